"""Rendering without a controller: the engine's own pieces, with what a command was told.

The renderers are those of the registry, called through `Desiring` as the loop of applications calls
it; the sources are fetched by their plugins, into a cache of their own. Instead of a cluster, the
command line says what only a cluster could tell; what it does not say, no renderer is told. Nothing
is written but that cache. Called by `shoal render`.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from anyio import to_thread
from opentelemetry.trace import NoOpTracer

from shoal.binaries import Progress
from shoal.composition.bordering import guard_of
from shoal.composition.hosting import Hosts, NotedSecrets, thread_runner
from shoal.composition.loading import Plugins
from shoal.composition.programs import found_programs
from shoal.composition.secret_files import SecretFolder
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
from shoal.errors import MissingFact, StateInUse, StateUnusable
from shoal.hooks.host import Host, ThreadRunner
from shoal.hooks.sources import SourceType
from shoal.model.artifacts import Artifact
from shoal.model.digests import Digester
from shoal.model.documents import Application
from shoal.model.facts import API_VERSIONS, KUBERNETES_VERSION
from shoal.store.folder import installation_key, locked, prepare_folder
from shoal.telemetry.known import KnownSecrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line said. `told` are facts that only a cluster could tell; `known`
    takes note of the secrets that are met."""

    fleet_folder: Path
    fleet: str
    secrets_folder: Path | None = None
    working_copy: Path | None = None
    told: Mapping[str, Any]
    progress: Progress
    known: KnownSecrets


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
    """Renders the applications of one catalog."""

    given: Given
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
        spec = catalog.source_of(document)
        name = spec.choice.name
        source, host = self.sources[name], self.hosts[name]
        return await self.guard.ask(
            "source",
            name,
            str(ref),
            lambda: source.fetch(ref, spec.choice.spec, None, host),
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
    """Everything that rendering needs, as long as the context is open."""
    async for _ in found_programs(plugins, given.progress):
        pass  # what cannot be had is said by the renderer that needs it
    async with AsyncExitStack() as lent_out:
        folder = await to_thread.run_sync(lent_out.enter_context, _folder_for_one())
        digester = Digester(await to_thread.run_sync(installation_key, folder))
        run_in_thread = thread_runner()
        lent = Hosts(
            plugins=plugins,
            state_folder=folder,
            base_folder=given.fleet_folder.absolute(),
            secrets=NotedSecrets(SecretFolder(given.secrets_folder, run_in_thread), given.known),
            digester=digester,
            tracer_of=lambda name: NoOpTracer(),
            run_in_thread=run_in_thread,
            at_end=lent_out.push_async_callback,
            granted_revisions=lambda: None,
            fleet=given.fleet,
        )
        guard = guard_of(plugins)
        desiring = Desiring(
            rendering=Rendering(guard),
            renderers=plugins.renderers,
            hosts={name: await lent.of("renderers", name) for name in plugins.renderers},
            digester=digester,
            guard=guard,
            asking=Told(given.told),
            known=given.known,
        )
        sources = {name: await lent.of("sources", name) for name in plugins.sources}
        yield Offline(given, desiring, plugins.sources, sources, guard, run_in_thread)


def cache_folder() -> Path:
    """Where mirrors are kept from one render to the next."""
    return platformdirs.user_cache_path("shoal") / "render"


@contextmanager
def _folder_for_one() -> Iterator[Path]:
    """The cache, locked; one for this command alone while another command has it, or without it."""
    with ExitStack() as stack:
        try:
            folder = cache_folder()
            prepare_folder(folder)
            stack.enter_context(locked(folder))
        except (StateInUse, StateUnusable, OSError):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shoal-render-")))
        yield folder
