"""The catalogue: every kind of fault of a chaos run, where it strikes, and how it begins and ends.

A fault holds as long as its block is open; leaving the block mends it, and returns when what was
harmed can be reached again. What a fault does stands in one function, so that a test can use the
same one that the long run uses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import anyio
from anyio import to_thread
from tests.chaos.author import BAD, Author
from tests.chaos.controller import Child
from tests.chaos.interceptor import PASS, Trick
from tests.chaos.proxy import Direction, Harm
from tests.chaos.strangers import Strangers
from tests.chaos.victims import Victim

from shoal_clusters.controlplane.certificates import create_authority
from shoal_clusters.demo.git_server import Behaviour, GitServer


class Place(StrEnum):
    """Where a fault strikes."""

    CLUSTER = "cluster"
    CONTROLLER = "controller"
    GIT = "git"


@dataclass(frozen=True, slots=True)
class World:
    """Everything that can be harmed."""

    victims: Mapping[str, Victim]
    child: Child
    server: GitServer
    author: Author
    strangers: Strangers
    writing: anyio.Lock


Block = AbstractAsyncContextManager[None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault, drawn `weight` times as often as others.

    `delays`: requests may arrive after those that were sent later.
    """

    name: str
    place: Place
    strike: Callable[[World, str], Block]
    seconds: tuple[float, float] = (4.0, 12.0)
    delays: bool = False
    weight: int = 1


# -- the network between Shoal and a cluster ----------------------------------------------------


@asynccontextmanager
async def _harmed(harm: Harm, world: World, where: str) -> AsyncIterator[None]:
    proxy = world.victims[where].proxy
    proxy.harm(harm)
    try:
        yield
    finally:
        proxy.heal()


@asynccontextmanager
async def _tricked(trick: Trick, world: World, where: str) -> AsyncIterator[None]:
    victim = world.victims[where]
    victim.interceptor.trick = trick
    victim.intercept(is_wanted=True)
    try:
        yield
    finally:
        victim.interceptor.trick = PASS
        victim.intercept(is_wanted=False)


# -- API servers --------------------------------------------------------------------------------


@asynccontextmanager
async def _server_paused(world: World, where: str) -> AsyncIterator[None]:
    plane = world.victims[where].plane
    plane.pause()
    try:
        yield
    finally:
        plane.resume()


@asynccontextmanager
async def _server_killed(world: World, where: str) -> AsyncIterator[None]:
    plane = world.victims[where].plane
    await plane.kill()
    try:
        yield
    finally:
        await plane.start()


@asynccontextmanager
async def _new_certificate(world: World, where: str) -> AsyncIterator[None]:
    """The same authority signs another one: nobody has to do anything."""
    victim = world.victims[where]
    await victim.show_new_certificate(victim.authority)
    yield


@asynccontextmanager
async def _new_authority(world: World, where: str) -> AsyncIterator[None]:
    """Another authority; the kubeconfig is renewed when the fault ends."""
    victim = world.victims[where]
    await victim.show_new_certificate(create_authority(f"{where} renewed"))
    try:
        yield
    finally:
        await to_thread.run_sync(victim.write_kubeconfig)


@asynccontextmanager
async def _token_revoked(world: World, where: str) -> AsyncIterator[None]:
    victim = world.victims[where]
    await victim.revoke_tokens()
    try:
        yield
    finally:
        await to_thread.run_sync(victim.write_kubeconfig)


@asynccontextmanager
async def _partial_discovery(world: World, where: str) -> AsyncIterator[None]:
    """An aggregated API whose service does not exist: discovery cannot say all that is served."""
    name = "v1.dead.example.org"
    path = "/apis/apiregistration.k8s.io/v1/apiservices"
    spec = {
        "group": "dead.example.org",
        "version": "v1",
        "groupPriorityMinimum": 1000,
        "versionPriority": 10,
        "service": {"name": "nobody", "namespace": "default"},
        "insecureSkipTLSVerify": True,
    }
    head = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
    async with world.victims[where].plane.client() as client:
        await client.create(path, {**head, "metadata": {"name": name}, "spec": spec})
        try:
            yield
        finally:
            await client.delete(f"{path}/{name}")


# -- etcd ---------------------------------------------------------------------------------------


@asynccontextmanager
async def _etcd_killed(world: World, where: str) -> AsyncIterator[None]:
    await world.victims[where].kill_etcd()
    try:
        yield
    finally:
        await world.victims[where].start_etcd()


@asynccontextmanager
async def _etcd_paused(world: World, where: str) -> AsyncIterator[None]:
    world.victims[where].pause_etcd()
    try:
        yield
    finally:
        world.victims[where].resume_etcd()


@asynccontextmanager
async def _etcd_restored(world: World, where: str) -> AsyncIterator[None]:
    """What happens while the fault holds is forgotten by the cluster when it ends."""
    victim = world.victims[where]
    await victim.save_etcd()
    kept = dict(world.strangers.theirs.get(where, {}))
    try:
        yield
    finally:
        await victim.restore_etcd()
        world.strangers.restored(where, kept)


# -- the controller -----------------------------------------------------------------------------


@asynccontextmanager
async def _controller_killed(world: World, where: str) -> AsyncIterator[None]:
    await world.child.kill()
    try:
        yield
    finally:
        await world.child.start()


@asynccontextmanager
async def _controller_killed_writing(world: World, where: str) -> AsyncIterator[None]:
    """Killed in the middle of a pass: the moment an API server has answered a write."""
    logs = [victim.plane.audit_log for victim in world.victims.values()]

    def written() -> int:
        return sum(log.stat().st_size for log in logs)

    before = written()
    with anyio.move_on_after(_WRITE_SECONDS):
        while written() == before:
            await anyio.sleep(0.002)
    async with _controller_killed(world, where):
        yield


@asynccontextmanager
async def _controller_paused(world: World, where: str) -> AsyncIterator[None]:
    world.child.pause()
    try:
        yield
    finally:
        world.child.resume()


@asynccontextmanager
async def _disk_full(world: World, where: str) -> AsyncIterator[None]:
    world.child.fill_disk()
    try:
        yield
    finally:
        world.child.free_disk()


# -- Git ----------------------------------------------------------------------------------------


@asynccontextmanager
async def _git_down(world: World, where: str) -> AsyncIterator[None]:
    await world.server.stop()
    try:
        yield
    finally:
        await world.server.start()


@asynccontextmanager
async def _git_behaves(behaviour: Behaviour, world: World, where: str) -> AsyncIterator[None]:
    world.server.behaviour = behaviour
    try:
        yield
    finally:
        world.server.behaviour = Behaviour.SERVE
        await world.server.stop()  # which ends what hangs
        await world.server.start()


@asynccontextmanager
async def _rewritten(world: World, where: str) -> AsyncIterator[None]:
    async with world.writing:
        await to_thread.run_sync(world.author.rewrite)
    yield


@asynccontextmanager
async def _spoilt(how: str, world: World, where: str) -> AsyncIterator[None]:
    async with world.writing:
        await to_thread.run_sync(world.author.spoil, how)
    yield


_WRITE_SECONDS = 5.0
_BOTH = frozenset(Direction)
_ANSWERS = frozenset({Direction.ANSWER})
HARMS: Mapping[str, tuple[Harm, bool]] = {
    "latency": (Harm(latency_seconds=0.3, jitter_seconds=0.2), True),
    "refused": (Harm(is_refused=True), False),
    "reset-in-answer": (Harm(reset_after_bytes=2500, cuts=True), False),
    "half-open": (Harm(swallowed=_BOTH), False),
    "answers-lost": (Harm(swallowed=_ANSWERS), False),
    "slow-drip": (Harm(piece_bytes=200, pause_seconds=0.05), True),
    "narrow-line": (Harm(piece_bytes=8192, pause_seconds=0.2), True),
}
TRICKS: Mapping[str, tuple[Trick, bool]] = {
    "watch-truncated": (Trick(watch_bytes=700), False),
    "late-delivery": (Trick(hold_seconds=2.5), True),
    "too-many-requests": (Trick(status=429, part=0.7, retry_after=1), False),
    "internal-errors": (Trick(status=500, part=0.6), False),
    "unavailable": (Trick(status=503, part=0.9), False),
    "watch-expired": (Trick(status=410, only_watches=True), False),
}
_SERVERS: Mapping[str, tuple[Callable[[World, str], Block], bool]] = {
    "server-paused": (_server_paused, True),
    "server-killed": (_server_killed, False),
    "new-certificate": (_new_certificate, False),
    "new-authority": (_new_authority, False),
    "token-revoked": (_token_revoked, False),
    "partial-discovery": (_partial_discovery, False),
    "etcd-killed": (_etcd_killed, True),
    "etcd-paused": (_etcd_paused, True),
    "etcd-restored": (_etcd_restored, False),
}


def _catalogue() -> list[Kind]:
    cluster, controller, git = Place.CLUSTER, Place.CONTROLLER, Place.GIT
    return [
        *(Kind(name, cluster, partial(_harmed, it), delays=d) for name, (it, d) in HARMS.items()),
        *(Kind(name, cluster, partial(_tricked, it), delays=d) for name, (it, d) in TRICKS.items()),
        *(Kind(name, cluster, strike, delays=d) for name, (strike, d) in _SERVERS.items()),
        Kind("controller-killed", controller, _controller_killed, (0.0, 2.0)),
        Kind("controller-killed-writing", controller, _controller_killed_writing, (0, 2), weight=3),
        Kind("controller-paused", controller, _controller_paused, (3.0, 15.0)),
        Kind("disk-full", controller, _disk_full),
        Kind("git-down", git, _git_down),
        Kind("git-failing", git, partial(_git_behaves, Behaviour.FAIL)),
        Kind("git-hanging", git, partial(_git_behaves, Behaviour.HANG)),
        Kind("history-rewritten", git, _rewritten, (0.0, 0.0)),
        *(Kind(f"commit-{how}", git, partial(_spoilt, how), (0.0, 0.0)) for how in BAD),
    ]


KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _catalogue()}
