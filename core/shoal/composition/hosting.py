"""What each plugin is lent: its own cache folder, tracer, meter; secrets, threads, HTTP of all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from opentelemetry.metrics import Meter
from opentelemetry.trace import Tracer

from shoal.composition.loading import Plugins
from shoal.composition.requesting import HttpClient
from shoal.hooks.host import AtEnd, Host, Pod, Secrets, ThreadRunner
from shoal.model.digests import Digester
from shoal.model.secret_values import is_secret_value
from shoal.telemetry.known import KnownSecrets

T = TypeVar("T")
_THREADS = 16  # blocking work is git and files: more threads than this only fight over the disk


def thread_runner(limiter: CapacityLimiter | None = None) -> ThreadRunner:
    """Runs blocking work in threads under one limiter; call it inside the event loop."""
    shared = limiter or CapacityLimiter(_THREADS)

    def run(function: Callable[..., T], /, *args: object) -> Awaitable[T]:
        return to_thread.run_sync(function, *args, limiter=shared)

    return run


@dataclass(frozen=True, slots=True)
class NotedSecrets:
    """Secrets of which every value that is read is known from then on, and never shown."""

    secrets: Secrets
    known: KnownSecrets

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """All keys of one secret; see `shoal.hooks.host.Secrets`."""
        values = await self.secrets.read(namespace, name)
        texts = {key: value.decode(errors="replace").strip() for key, value in values.items()}
        self.known.learn(text for key, text in texts.items() if is_secret_value(key, text))
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Makes the host of each plugin.

    `fleet` is empty until `fleet.yaml` was read: the source plugin that fetches the fleet needs a
    host before the fleet has a name. `dataclasses.replace` names it afterwards.
    """

    plugins: Plugins
    state_folder: Path
    base_folder: Path | None
    secrets: Secrets
    digester: Digester
    tracer_of: Callable[[str], Tracer]
    meter_of: Callable[[str], Meter]
    run_in_thread: ThreadRunner
    at_end: AtEnd
    granted_revisions: Callable[[], frozenset[str] | None]
    exec_allowed: Set[str] = frozenset()
    render_memory_mib: int = 1024
    fleet: str = ""
    pod: Pod | None = None

    async def of(self, seam: str, name: str) -> Host:
        """The host of one plugin, with its cache folder made; `seam` as in `Plugins`."""
        plugin = self.plugins.registration(seam, name).plugin
        cache = self.state_folder / "cache" / plugin
        await anyio.Path(cache).mkdir(parents=True, exist_ok=True, mode=0o700)
        return Host(
            fleet=self.fleet,
            cache_folder=cache,
            base_folder=self.base_folder,
            secrets=self.secrets,
            digester=self.digester,
            tracer=self.tracer_of(f"shoal.plugin.{plugin}"),
            meter=self.meter_of(f"shoal.plugin.{plugin}"),
            run_in_thread=self.run_in_thread,
            at_end=self.at_end,
            http=HttpClient(self.run_in_thread),
            exec_allowed=self.exec_allowed,
            granted_revisions=self.granted_revisions,
            render_memory_mib=self.render_memory_mib,
            pod=self.pod,
        )
