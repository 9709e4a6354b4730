"""Hosts of plugins for a command that works without a controller, in a cache of the user's own.

The cache holds mirrors and certificates from one command to the next. While another command has
it, a folder for this command alone stands for it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import platformdirs
from anyio import to_thread
from opentelemetry.metrics import NoOpMeter
from opentelemetry.trace import NoOpTracer

from shoal.composition.hosting import Hosts, NotedSecrets, thread_runner
from shoal.composition.loading import Plugins
from shoal.composition.secret_files import SecretFolder
from shoal.composition.surroundings import pod_around
from shoal.errors import StateInUse, StateUnusable
from shoal.model.digests import Digester
from shoal.store.folder import installation_key, locked, prepare_folder
from shoal.telemetry.known import KnownSecrets


@asynccontextmanager
async def lent_hosts(
    plugins: Plugins,
    fleet_folder: Path | None,
    known: KnownSecrets,
    *,
    fleet: str = "",
    secrets_folder: Path | None = None,
    exec_allowed: frozenset[str] = frozenset(),
) -> AsyncIterator[Hosts]:
    """What plugins are lent, as long as the context is open; `known` learns the secrets.

    Without a `fleet_folder`, as where the fleet is fetched, relative paths lead nowhere.
    """
    async with AsyncExitStack() as lent_out:
        folder = await to_thread.run_sync(lent_out.enter_context, _folder_for_one())
        run_in_thread = thread_runner()
        base_folder = fleet_folder and await to_thread.run_sync(fleet_folder.absolute)
        yield Hosts(
            plugins=plugins,
            state_folder=folder,
            base_folder=base_folder,
            secrets=NotedSecrets(SecretFolder(secrets_folder, run_in_thread), known),
            digester=Digester(await to_thread.run_sync(installation_key, folder)),
            tracer_of=lambda name: NoOpTracer(),
            meter_of=NoOpMeter,
            run_in_thread=run_in_thread,
            at_end=lent_out.push_async_callback,
            granted_revisions=lambda: None,
            exec_allowed=exec_allowed,
            fleet=fleet,
            pod=pod_around(os.environ),
        )


def cache_folder() -> Path:
    """Where mirrors are kept from one command to the next."""
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
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shoal-")))
        yield folder
