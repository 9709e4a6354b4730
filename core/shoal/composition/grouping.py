"""Which clusters of a fleet get the same, and what: the answer of `shoal render`.

Every application is rendered for all of its clusters together, as the loop of applications does it,
so that what is alike is rendered once. An error of one cluster is an error of the whole answer: who
pipes it to another program must not get half of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shoal.composition.loading import Plugins
from shoal.composition.offline import Given, Offline, open_offline
from shoal.documents import Catalog
from shoal.engine.explaining import Explanation
from shoal.errors import ShoalError
from shoal.model.artifacts import Artifact
from shoal.model.digests import digest_parts
from shoal.model.documents import Application
from shoal.model.identity import Ref
from shoal.model.manifests import Manifest
from shoal.model.plans import Content
from shoal.planning.placing import place


class Request(NamedTuple):
    """These applications for these clusters; `explains` when the steps are wanted too."""

    catalog: Catalog
    documents: tuple[Application, ...]
    clusters: tuple[str, ...]
    explains: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Clusters that get the same; `explanations` are for the first of them."""

    clusters: tuple[str, ...]
    digest: str
    manifests: tuple[Manifest, ...] = field(repr=False)
    explanations: tuple[Explanation, ...] = ()


async def answer(request: Request, given: Given, plugins: Plugins) -> list[Group]:
    """The groups, the largest first; raises every error of every application at once."""
    async with open_offline(given, plugins) as offline:
        answering = _Answering(request, offline, {})
        if request.explains and len(request.clusters) == 1:
            return [await answering.explained(request.clusters)]
        groups = await answering.groups()
        if request.explains and len(groups) == 1:
            return [await answering.explained(groups[0].clusters)]
        return groups


class _Answering(NamedTuple):
    """One request. `artifacts`: each source is fetched once."""

    request: Request
    offline: Offline
    artifacts: dict[Ref, Artifact]

    async def groups(self) -> list[Group]:
        contents = dict[str, list[tuple[Ref, Content]]]()
        errors: list[ShoalError] = []
        for document in self.request.documents:
            try:
                for cluster, content in (await self._contents(document)).items():
                    contents.setdefault(cluster, []).append((document.ref, content))
            except ShoalError as error:
                errors.append(error)
        _raise_all(errors)
        return _grouped(contents)

    async def _contents(self, document: Application) -> dict[str, Content]:
        placed = self._placed(document)
        if not placed:
            return {}
        artifact = await self._artifact(document)
        wishes = await self.offline.desire(self.request.catalog, document, artifact, placed)
        error = wishes.error()
        if error is not None:
            raise error
        return wishes.contents

    async def explained(self, clusters: tuple[str, ...]) -> Group:
        """What the first of these clusters gets, with all steps."""
        explanations: list[Explanation] = []
        errors: list[ShoalError] = []
        for document in self.request.documents:
            if clusters[0] not in self._placed(document):
                continue
            try:
                artifact = await self._artifact(document)
                explanations.append(
                    await self.offline.explain(
                        self.request.catalog, document, artifact, clusters[0]
                    )
                )
            except ShoalError as error:
                errors.append(error)
        _raise_all(errors)
        digest = _digest({each.application: each.digest for each in explanations})
        manifests = tuple(one for each in explanations for one in each.manifests)
        return Group(clusters, digest, manifests, tuple(explanations))

    def _placed(self, document: Application) -> tuple[str, ...]:
        placed = place(document, self.request.catalog.clusters)
        return tuple(name for name in placed if name in self.request.clusters)

    async def _artifact(self, document: Application) -> Artifact:
        ref = document.source_ref
        if ref not in self.artifacts:
            self.artifacts[ref] = await self.offline.artifact(self.request.catalog, document)
        return self.artifacts[ref]


def _grouped(contents: dict[str, list[tuple[Ref, Content]]]) -> list[Group]:
    """Clusters with equal contents of the same applications together."""
    alike = dict[str, list[str]]()
    for cluster, held in sorted(contents.items()):
        digests = {str(ref): content.digest for ref, content in held}
        alike.setdefault(_digest(digests), []).append(cluster)
    groups = [
        Group(
            tuple(clusters),
            digest,
            tuple(one for _, content in contents[clusters[0]] for one in content.manifests),
        )
        for digest, clusters in alike.items()
    ]
    return sorted(groups, key=lambda group: (-len(group.clusters), group.clusters))


def _digest(digests: Mapping[str, str]) -> str:
    """Of what a cluster gets of these applications; of one, as the controller has it."""
    if len(digests) == 1:
        return next(iter(digests.values()))
    return digest_parts(part for each in digests.items() for part in each)


def _raise_all(errors: Sequence[ShoalError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup("several applications cannot be rendered", errors)
