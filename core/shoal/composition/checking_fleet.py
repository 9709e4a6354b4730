"""What `shoal doctor` looks at in a fleet: documents, secrets, sources, what is rendered, clusters.

Sources are fetched and applications rendered as the controller would, because only then is it known
what the clusters have to allow. A cluster is asked whatever became of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from anyio import to_thread

from shoal.binaries import find
from shoal.composition.checking_clusters import cluster_checks
from shoal.composition.diagnosing import Check, Probe, diagnose, failed, failed_by, ok, warning
from shoal.composition.examining import examiner_of
from shoal.composition.loading import Plugins
from shoal.composition.offline import Given, Offline, opened
from shoal.documents import Catalog, Loaded, merge
from shoal.documents.naming_secrets import named_secrets
from shoal.errors import AccessDenied
from shoal.model.artifacts import Artifact
from shoal.model.documents import Application
from shoal.model.identity import Ref
from shoal.model.phrases import counted
from shoal.model.policies import SyncMode
from shoal.model.rights import Delivered
from shoal.planning.placing import place

FETCH_SECONDS = 30.0
_RENDER_SECONDS = 60.0
_SECRET_SECONDS = 5.0

Say = Callable[[str], None]


async def check_fleet(
    loaded: Loaded, given: Given, location: str, plugins: Plugins, say: Say
) -> list[Check]:
    """Everything about one fleet; `say` hears what goes on."""
    checks = list(_documents(loaded, location, is_fetched=given.fleet_folder is None))
    catalog = merge(None, loaded)
    if catalog is None:
        return checks
    async with opened(given, plugins) as offline:
        looking = _Looking(catalog, offline, plugins, say)
        checks += await looking.secrets()
        checks += await looking.sources()
        checks += await looking.applications()
        return checks + await looking.clusters()


def _documents(loaded: Loaded, location: str, *, is_fetched: bool) -> Iterator[Check]:
    command = "`shoal validate` in a clone" if is_fetched else f"`shoal validate {location}`"
    where = f"{command} shows all of them"
    problems, doubts = loaded.problems, loaded.warnings
    if problems:
        first = next((each for each in problems if each.file), problems[0])
        told = f"{counted(len(problems), 'problem')}: {first.as_text()}"
        yield failed("documents", told, where)
    elif doubts:
        yield warning("documents", f"{counted(len(doubts), 'doubt')}: {doubts[0].as_text()}", where)
    else:
        yield ok("documents", f"{len(loaded.documents)} valid in {location}")


@dataclass(frozen=True, slots=True)
class _Looking:
    """One look at one fleet; what was fetched and rendered is kept for what is asked next."""

    catalog: Catalog
    offline: Offline
    plugins: Plugins
    say: Say
    artifacts: dict[Ref, Artifact] = field(default_factory=dict[Ref, Artifact])
    delivered: dict[str, list[Delivered]] = field(default_factory=dict[str, list[Delivered]])

    async def secrets(self) -> list[Check]:
        """Every secret that a document names is there."""
        named = named_secrets(self.catalog.documents.values())
        return await diagnose(
            [
                Probe(f"secret {ref}", partial(self._secret, ref, who), _SECRET_SECONDS)
                for ref, who in named.items()
            ]
        )

    async def _secret(self, ref: Ref, who: Sequence[str]) -> Sequence[Check]:
        subject, needed = f"secret {ref}", f"needed by {who[0]}"
        if self.offline.given.secrets_folder is None:
            step = "give --secrets DIR, the folder that `shoal run` gets"
            return [warning(subject, f"{needed}; where secrets are was not said", step)]
        try:
            keys = await self.offline.lent.secrets.read(*ref)
        except AccessDenied as error:
            return [failed(subject, f"{needed}: {error.message}", error.next_step)]
        return [ok(subject, f"{', '.join(sorted(keys))}; {needed}")]

    async def sources(self) -> list[Check]:
        """Every source can be fetched."""
        if self.catalog.sources:
            self.say(f"fetching {counted(len(self.catalog.sources), 'source')}")
        return await diagnose(
            [
                Probe(f"source {ref}", partial(self._source, ref), FETCH_SECONDS)
                for ref in sorted(self.catalog.sources)
            ]
        )

    async def _source(self, ref: Ref) -> Sequence[Check]:
        choice = self.catalog.sources[ref].choice
        artifact = await self.offline.fetched(ref, choice)
        self.artifacts[ref] = artifact
        return [ok(f"source {ref}", f"{choice.name}, at {artifact.revision[:60]}")]

    async def applications(self) -> list[Check]:
        """Every application can be rendered for its clusters."""
        documents = sorted(self.catalog.applications.items())
        if not documents:
            return [warning("applications", "there are none", "see `shoal explain application`")]
        missing = await to_thread.run_sync(self._missing_programs)
        if missing:
            told = f"not rendered: {', '.join(missing)} is not on this machine yet"
            return [warning("applications", told, "`shoal plugin prepare` gets it")]
        self.say(f"rendering {counted(len(documents), 'application')}")
        return await diagnose(
            [
                Probe(f"application {ref}", partial(self._application, each), _RENDER_SECONDS)
                for ref, each in documents
                if each.source_ref in self.artifacts
            ]
        )

    def _missing_programs(self) -> list[str]:
        return [each.name for each in self.plugins.programs.values() if find(each) is None]

    async def _application(self, document: Application) -> Sequence[Check]:
        subject = f"application {document.ref}"
        placed = place(document, self.catalog.clusters)
        if not placed:
            step = "compare placement.clusterSelector with the labels of the clusters"
            return [warning(subject, "is placed on no cluster", step)]
        artifact = self.artifacts[document.source_ref]
        wishes = await self.offline.desire(self.catalog, document, artifact, placed)
        is_observed = document.spec.sync.mode is SyncMode.OBSERVE
        for cluster, content in wishes.contents.items():
            held = self.delivered.setdefault(cluster, [])
            held.append(Delivered(content.manifests, is_observed))
        if error := wishes.error():
            return [failed_by(subject, error)]
        most = max(len(content.manifests) for content in wishes.contents.values())
        return [ok(subject, f"{counted(most, 'object')} on {counted(len(placed), 'cluster')}")]

    async def clusters(self) -> list[Check]:
        """Every cluster answers, and allows what is to be written there."""
        if not self.catalog.clusters:
            return [warning("clusters", "there are none", "`shoal cluster add NAME` adds one")]
        self.say(f"asking {counted(len(self.catalog.clusters), 'cluster')}")
        examiner = await examiner_of(self.plugins, self.offline.lent)
        return cluster_checks(await examiner.all(self.catalog.clusters.values(), self.delivered))
