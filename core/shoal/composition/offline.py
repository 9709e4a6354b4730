"""Rendering without a controller: the engine's own pieces, with what a command was told.

The renderers are those of the registry, called through `Desiring` as the loop of applications calls
it; the sources are fetched by their plugins, into a cache of their own. Instead of a cluster, the
command line says what only a cluster could tell; what it does not say, no renderer is told. Nothing
is written but that cache. Called by `shoal render`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shoal.binaries import Progress
from shoal.composition.bordering import guard_of
from shoal.composition.hosting import Hosts
from shoal.composition.lending import lent_hosts
from shoal.composition.loading import Plugins
from shoal.composition.programs import found_programs
from shoal.documents import Catalog
from shoal.engine import answers
from shoal.engine.desiring import Desiring
from shoal.engine.explaining import Explanation, explain
from shoal.engine.fleet import FETCH_SECONDS
from shoal.engine.guarding import Guard
from shoal.engine.rendering import Rendering
from shoal.engine.state import ApplicationState
from shoal.engine.wishes import Wishes
from shoal.engine.working_copies import working_copy
from shoal.errors import MissingFact
from shoal.hooks.host import Host, ThreadRunner
from shoal.hooks.sources import SourceType
from shoal.model.artifacts import Artifact
from shoal.model.choice import Choice
from shoal.model.documents import Application
from shoal.model.facts import API_VERSIONS, KUBERNETES_VERSION
from shoal.model.identity import Ref
from shoal.telemetry.known import KnownSecrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line said; `fleet_folder` is None where the fleet is fetched.

    `told` are facts that only a cluster could tell; `known` takes note of the secrets that are met.
    `exec_allowed` is for those who reach clusters too.
    """

    fleet_folder: Path | None
    fleet: str
    secrets_folder: Path | None = None
    working_copy: Path | None = None
    told: Mapping[str, Any]
    progress: Progress
    known: KnownSecrets
    exec_allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """Stands where the engine asks clusters; of each one the same is known."""

    facts: Mapping[str, Any]

    async def ask(self, cluster: str, name: str) -> Any:
        """The fact, or MissingFact: the renderer takes its own default then."""
        if name not in self.facts:
            option = {KUBERNETES_VERSION: "--kubernetes-version", API_VERSIONS: "--api-version"}
            raise MissingFact(
                f"the {name} of cluster {cluster} is not known without asking it",
                next_step=f"give {option.get(name, 'it in the Cluster document')}",
            )
        return self.facts[name]


@dataclass(frozen=True, slots=True)
class Offline:
    """Renders the applications of one catalog; `lent` makes hosts for other plugins too."""

    given: Given
    lent: Hosts
    desiring: Desiring
    sources: Mapping[str, SourceType[Any]]
    hosts: Mapping[str, Host]
    guard: Guard
    run_in_thread: ThreadRunner

    async def artifact(self, catalog: Catalog, document: Application) -> Artifact:
        """The working copy, or the current revision of the source, fetched."""
        ref = document.source_ref
        if self.given.working_copy is not None:
            return await working_copy(self.given.working_copy, ref, self.run_in_thread)
        return await self.fetched(ref, catalog.source_of(document).choice)

    async def fetched(self, ref: Ref, choice: Choice) -> Artifact:
        """The current revision of a source."""
        name = choice.name
        source, host = self.sources[name], self.hosts[name]
        return await self.guard.ask(
            "source",
            name,
            str(ref),
            lambda: source.fetch(ref, choice.spec, None, host),
            seconds=FETCH_SECONDS,
            answer=answers.artifact,
        )

    async def desire(
        self, catalog: Catalog, document: Application, artifact: Artifact, placed: tuple[str, ...]
    ) -> Wishes:
        """What each of these clusters should hold."""
        known = ApplicationState(placed=placed)
        return await self.desiring.desire(catalog, document, artifact, known)

    async def explain(
        self, catalog: Catalog, document: Application, artifact: Artifact, cluster: str
    ) -> Explanation:
        """What makes the objects of one cluster, step by step."""
        return await explain(self.desiring, catalog, document, artifact, cluster)


@asynccontextmanager
async def open_offline(given: Given, plugins: Plugins) -> AsyncIterator[Offline]:
    """Everything that rendering needs, as long as the context is open; programs are made first."""
    async for _ in found_programs(plugins, given.progress):
        pass  # what cannot be had is said by the renderer that needs it
    async with opened(given, plugins) as offline:
        yield offline


@asynccontextmanager
async def opened(given: Given, plugins: Plugins) -> AsyncIterator[Offline]:
    """The same with the programs that are there."""
    async with lent_hosts(
        plugins,
        given.fleet_folder,
        given.known,
        fleet=given.fleet,
        secrets_folder=given.secrets_folder,
        exec_allowed=given.exec_allowed,
    ) as lent:
        guard = guard_of(plugins)
        desiring = Desiring(
            rendering=Rendering(guard),
            renderers=plugins.renderers,
            hosts={name: await lent.of("renderers", name) for name in plugins.renderers},
            digester=lent.digester,
            guard=guard,
            asking=Told(given.told),
            known=given.known,
        )
        sources = {name: await lent.of("sources", name) for name in plugins.sources}
        yield Offline(given, lent, desiring, plugins.sources, sources, guard, lent.run_in_thread)
