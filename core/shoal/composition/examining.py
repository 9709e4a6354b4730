"""Looking at clusters without a controller: each by its document alone, all of them side by side.

A cluster that does not answer is an answer too, and keeps no other waiting. Called by `shoal
cluster add`, `shoal cluster ping --fleet` and `shoal doctor`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio

from shoal.composition.bordering import guard_of
from shoal.composition.hosting import Hosts
from shoal.composition.lending import lent_hosts
from shoal.composition.loading import TARGET_TYPE, Plugins
from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.errors import Permanent, ShoalError
from shoal.hooks.host import Host
from shoal.hooks.targets import ExaminingTargetType
from shoal.model.documents import Cluster
from shoal.model.endpoints import Endpoint
from shoal.model.examinations import Examination
from shoal.model.rights import Delivered
from shoal.telemetry.known import KnownSecrets

_CONNECT_SECONDS = 30.0  # a program that asks a cloud for a token takes seconds
_EXAMINE_SECONDS = 15.0
_MOST_AT_ONCE = 32

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found at a cluster, or why nothing was; one of the two is None."""

    cluster: str
    server: str = ""
    examination: Examination | None = None
    error: ShoalError | None = None


@dataclass(frozen=True, slots=True)
class Examiner:
    """Looks at clusters by their documents."""

    plugins: Plugins
    target: ExaminingTargetType
    access_hosts: Mapping[str, Host]
    target_host: Host
    guard: Guard

    async def all(
        self,
        documents: Iterable[Cluster],
        delivered: Mapping[str, Sequence[Delivered]],
        told: Told | None = None,
    ) -> list[Examined]:
        """Every cluster, in the order of the documents; `told` hears how many have ended.

        `delivered` is what each is to allow, by its name.
        """
        given = list(documents)
        found: dict[int, Examined] = {}
        limiter = anyio.CapacityLimiter(_MOST_AT_ONCE)

        async def look(number: int, document: Cluster) -> None:
            async with limiter:
                found[number] = await self.one(document, delivered.get(document.metadata.name, ()))
            if told is not None:
                told(len(found))

        async with anyio.create_task_group() as group:
            for number, document in enumerate(given):
                group.start_soon(look, number, document)
        return [found[number] for number in range(len(given))]

    async def one(self, document: Cluster, delivered: Sequence[Delivered]) -> Examined:
        """One cluster; what goes wrong there is told, not raised."""
        name, server = document.metadata.name, ""
        try:
            endpoint = await self._endpoint(document)
            server = endpoint.server
            examination = await self.guard.ask(
                "target",
                TARGET_TYPE,
                f"cluster {name}",
                lambda: self.target.examine(name, endpoint, delivered, self.target_host),
                seconds=_EXAMINE_SECONDS,
                answer=answers.examination,
            )
        except ShoalError as error:
            return Examined(name, server, error=error)
        return Examined(name, server, examination)

    async def _endpoint(self, document: Cluster) -> Endpoint:
        choice = document.spec.access
        access: Any = self.plugins.access[choice.name]
        endpoint: Endpoint = await self.guard.ask(
            "access",
            choice.name,
            f"cluster {document.metadata.name}",
            lambda: access.connect(choice.spec, self.access_hosts[choice.name]),
            seconds=_CONNECT_SECONDS,
            answer=answers.endpoint,
        )
        return replace(endpoint, timeout=document.spec.limits.timeout)


@asynccontextmanager
async def open_examiner(
    fleet_folder: Path,
    plugins: Plugins,
    known: KnownSecrets,
    *,
    exec_allowed: frozenset[str] = frozenset(),
) -> AsyncIterator[Examiner]:
    """What looks at clusters, as long as the context is open."""
    async with lent_hosts(plugins, fleet_folder, known, exec_allowed=exec_allowed) as hosts:
        yield await examiner_of(plugins, hosts)


async def examiner_of(plugins: Plugins, hosts: Hosts) -> Examiner:
    """What looks at clusters, with hosts that are lent to others too."""
    target = plugins.targets.get(TARGET_TYPE)
    if not isinstance(target, ExaminingTargetType):
        raise Permanent(
            f"no plugin can look at clusters of the kind {TARGET_TYPE}",
            next_step="see `shoal plugin list`",
        )
    return Examiner(
        plugins,
        target,
        {name: await hosts.of("access", name) for name in plugins.access},
        await hosts.of("targets", TARGET_TYPE),
        guard_of(plugins),
    )
