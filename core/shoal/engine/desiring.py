"""What each cluster should hold of one application: rendered, with the cluster's own differences.

Clusters for which nothing differs share one render and one content; a cluster with values or facts
of its own gets its own. What fails for one cluster (a patch that does not fit, a missing label, a
cluster that was never asked for its version) fails for that cluster alone: the others go on.
Called by the loop of applications, and by `explaining`; decides nothing and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

from shoal.documents import Catalog
from shoal.engine import answers
from shoal.engine.contents import ContentKey, KeptContent
from shoal.engine.facts import FactsOfCluster
from shoal.engine.guarding import Guard
from shoal.engine.remembering import Rendered
from shoal.engine.rendering import Rendering
from shoal.engine.sharing import Outcome, OwnRender, SharedRenders
from shoal.engine.state import ApplicationState
from shoal.engine.wishes import Wishes
from shoal.errors import InvalidDocument, MissingFact, ShoalError
from shoal.hooks.host import Host
from shoal.hooks.renderers import Renderer, ValuedSpec
from shoal.model.artifacts import Artifact
from shoal.model.choice import Spec
from shoal.model.digests import Digester, digest_value
from shoal.model.documents import Application
from shoal.model.facts import APPLICATION, DocumentFacts
from shoal.model.overrides import Override
from shoal.model.secret_values import values_among
from shoal.planning.merging import merged_values
from shoal.planning.overriding import applicable_indexes, content, facts_of, override, values_of
from shoal.telemetry.known import KnownSecrets

LOOK_SECONDS = 60.0  # for the look at a tree that chooses a renderer


class Asks(Protocol):
    """Knows what only clusters can tell of themselves."""

    async def ask(self, cluster: str, name: str) -> Any:
        """A fact of `ASKED_FOR`; ClusterNotConnected or MissingFact when it is not known."""
        ...


class Own(NamedTuple):
    """One cluster: its facts, the overrides for it, and what it renders with."""

    document: DocumentFacts
    indexes: tuple[int, ...]
    render: OwnRender


@dataclass(frozen=True, slots=True)
class Renders:
    """An application rendered for some clusters, before its overrides.

    `outcomes` are by cluster, and so are `owns`; a cluster for which nothing could be rendered is
    in `failures` alone. `asks_clusters` when an outcome depends on what only a cluster can tell.
    """

    renderer: Renderer[Any]
    parameters: Spec
    owns: Mapping[str, Own]
    outcomes: Mapping[str, Outcome]
    failures: Mapping[str, ShoalError]
    asks_clusters: bool


@dataclass(frozen=True, slots=True)
class Desiring:
    """Finds out what the clusters of an application should hold."""

    rendering: Rendering
    renderers: Mapping[str, Renderer[Any]]
    hosts: Mapping[str, Host]
    digester: Digester
    guard: Guard
    asking: Asks
    known: KnownSecrets

    async def desire(
        self, catalog: Catalog, document: Application, artifact: Artifact, known: ApplicationState
    ) -> Wishes:
        """What each cluster of `known.placed` should hold; what is known already stays.

        Raises InvalidSource when the folder is missing or no renderer fits; everything else is a
        failure of the clusters that it concerns.
        """
        renders = await self.render(catalog, document, artifact, known.placed)
        known.asks_clusters = renders.asks_clusters
        wishes = Wishes()
        for name, error in renders.failures.items():
            wishes.failed(name, error)
        self._fill(wishes, known, document.spec.overrides, renders)
        return wishes

    async def render(
        self, catalog: Catalog, document: Application, artifact: Artifact, placed: Sequence[str]
    ) -> Renders:
        """The application rendered for these clusters, once for those that are alike."""
        path, overrides = document.spec.source.path, document.spec.overrides
        source, subject = document.source_ref, str(document.ref)
        renderer, parameters = await self.guard.ask(
            "source",
            str(source),
            subject,
            lambda: self.rendering.choose(self.renderers, document.spec.render, artifact, path),
            seconds=LOOK_SECONDS,
            answer=answers.ours,
        )
        owns, failures = dict[str, Own](), dict[str, ShoalError]()
        for name in placed:
            try:
                facts = replace(catalog.clusters[name].facts, application=document.metadata.name)
                owns[name] = self._own(facts, overrides, renderer, parameters)
            except ShoalError as error:
                failures[name] = error
        host = self.hosts[renderer.name]
        shared = SharedRenders(self.rendering, renderer, host, self.guard, subject, artifact, path)
        await shared.run(own.render for own in owns.values())
        return Renders(renderer, parameters, owns, shared.outcomes, failures, shared.asks_clusters)

    def _own(
        self,
        document: DocumentFacts,
        overrides: tuple[Override, ...],
        renderer: Renderer[Any],
        parameters: Spec,
    ) -> Own:
        indexes = applicable_indexes(overrides, document.labels)
        values = values_of(overrides, indexes, document.look)
        if values:
            if not isinstance(parameters, ValuedSpec):
                raise InvalidDocument(
                    f"an override has values, and the renderer {renderer.name} takes none",
                    next_step="use merge or patches, or another renderer",
                )
            merged = merged_values(parameters.values, values)
            parameters = parameters.model_copy(update={"values": merged})
        if isinstance(parameters, ValuedSpec):
            self.known.learn(values_among(parameters.values))
        facts = FactsOfCluster(document, partial(self.asking.ask, document.name))
        digest = digest_value(values) if values else ""
        return Own(document, indexes, OwnRender(facts, parameters, digest))

    def _fill(
        self,
        wishes: Wishes,
        known: ApplicationState,
        overrides: tuple[Override, ...],
        renders: Renders,
    ) -> None:
        before = known.contents if known.overrides == overrides else {}
        known.contents, known.overrides = {}, overrides
        fact_names = _FactNames(overrides)
        for name, own in renders.owns.items():
            outcome = renders.outcomes[name]
            if isinstance(outcome.result, ShoalError):
                is_own = bool(outcome.facts.keys() - {APPLICATION} or own.render.parameters_digest)
                wishes.failed(name, outcome.result, is_own=is_own)
                continue
            try:
                key = _content_key(own, outcome.result, fact_names)
                kept = known.contents.get(key) or before.get(key)
                kept = kept or self._kept(own, outcome.result, overrides)
            except ShoalError as error:
                wishes.failed(name, error)
            else:
                known.contents[key] = kept
                wishes.contents[name] = kept.content

    def _kept(self, own: Own, rendered: Rendered, overrides: tuple[Override, ...]) -> KeptContent:
        overridden = override(
            rendered.manifests, overrides, indexes=own.indexes, look=own.document.look
        )
        self.known.learn_manifests(overridden)
        return KeptContent(rendered.manifests, content(overridden, self.digester))


class _FactNames:
    """The facts that overrides refer to, found out once for all clusters with the same ones."""

    def __init__(self, overrides: tuple[Override, ...]) -> None:
        self._overrides = overrides
        self._found: dict[tuple[int, ...], Sequence[str]] = {(): ()}

    def of(self, indexes: tuple[int, ...]) -> Sequence[str]:
        """Their names, sorted."""
        if indexes not in self._found:
            self._found[indexes] = sorted(facts_of(self._overrides, indexes))
        return self._found[indexes]


def _digestible(document: DocumentFacts, name: str) -> Any:
    """A fact, or nothing for one that is missing: the override that refers to it says so."""
    try:
        return [document.look(name)]
    except MissingFact:
        return []


def _content_key(own: Own, rendered: Rendered, fact_names: _FactNames) -> ContentKey:
    """What a content depends on; the output itself by identity, which `KeptContent` keeps alive."""
    names = fact_names.of(own.indexes)
    facts = digest_value([_digestible(own.document, name) for name in names]) if names else ""
    return ContentKey(id(rendered.manifests), own.indexes, facts)
