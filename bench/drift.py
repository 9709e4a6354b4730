"""Changes by a stranger: one at a time, and 200 objects at once; each beside the floor.

Healed is the time from when the API server received the stranger's write to when it had answered
the correction, both out of its audit log. The floor is a bare client that watches and applies. How
long a correction took inside the controller is told by its own traces, where it exports them.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import anyio

from bench.adapters import Offer
from bench.figures import Figures, percentile
from bench.reading import Request, Tail
from bench.scene import FLOOR_USER, IN_FLIGHT, STRANGER, Living, Scene, living, written
from bench.traces import collecting
from bench.workload import Body, path_of, plural
from shoal_clusters.controlplane.client import Client

SAMPLES = 100
BURST = 200
_EDITED = ("ConfigMap", "Deployment")
_PREFIX = f"{FLOOR_USER}-drift"
_DEADLINE_SECONDS = 60.0
_POLL_SECONDS = 0.01
_AFTER_SECONDS = 1.5

Clients = Mapping[str, Client]
Victim = tuple[str, Body]


async def measure(scene: Scene, repeats: int) -> Figures:
    """The keys `drift.*` and `drift_burst.*`."""
    figures: dict[str, list[float]] = {}
    are_told = scene.offers(Offer.REACTIONS)
    async with collecting() as traces, AsyncExitStack() as stack:
        it = await stack.enter_async_context(living(scene, "drift", environment=traces.environment))
        clients = {
            name: await stack.enter_async_context(cluster.client(STRANGER))
            for name, cluster in scene.clusters.items()
        }
        bodies = await _prepare_floor(it)
        for index in range(repeats):
            seen = len(it.controller.reactions(traces)) if are_told else 0
            found = await _repeat(it, clients, bodies, index)
            if are_told:
                await traces.until_exported()
                reactions = it.controller.reactions(traces)[seen:][:SAMPLES]
                found["drift.dispatch_ms_p99"] = percentile(reactions or [float("inf")], 99) * 1000
            for key, value in found.items():
                figures.setdefault(key, []).append(value)
    return figures


async def _repeat(
    it: Living, clients: Clients, bodies: Sequence[Body], index: int
) -> dict[str, float]:
    """One by one and all at once, by the controller and then by the bare client."""
    healed, requests = await _one_by_one(it, clients, it.prefix, it.scene.user, index)
    burst, burst_requests = await _at_once(it, clients, it.prefix, it.scene.user)
    async with _healing_floor(it.scene, bodies):
        floor, _ = await _one_by_one(it, clients, _PREFIX, FLOOR_USER, index)
        floor_burst, _ = await _at_once(it, clients, _PREFIX, FLOOR_USER)
    return {
        "drift.requests_per_object": requests,
        "drift.healed_ms_p99": percentile(healed, 99) * 1000,
        "drift.floor_healed_ms_p99": percentile(floor, 99) * 1000,
        "drift.healed_over_floor": percentile(healed, 99) / percentile(floor, 99),
        "drift.healed_median_over_floor": percentile(healed, 50) / percentile(floor, 50),
        "drift_burst.requests_per_object": burst_requests,
        "drift_burst.wall_seconds": burst,
        "drift_burst.wall_over_floor": burst / floor_burst,
    }


async def _one_by_one(
    it: Living, clients: Clients, prefix: str, user: str, index: int
) -> tuple[list[float], float]:
    """Seconds that each of `SAMPLES` changes lasted, and requests per change."""
    seconds: list[float] = []
    tail = it.scene.tail()
    victims = itertools.islice(itertools.cycle(_victims(it, prefix)), SAMPLES)
    for number, (cluster, body) in enumerate(victims):
        before = it.scene.tail()
        await _spoil(clients[cluster], body, f"{index}-{number}")
        answered = await _until_healed(before, user, {_object(cluster, body)})
        received = min(one.received for one in before.read(STRANGER))
        seconds.append(answered - received.timestamp())
    await anyio.sleep(_AFTER_SECONDS)
    return seconds, _requests(tail, user) / SAMPLES


async def _at_once(it: Living, clients: Clients, prefix: str, user: str) -> tuple[float, float]:
    """Seconds from the first stranger's write to the last correction, and requests per object."""
    victims = _victims(it, prefix)[:BURST]
    tail = it.scene.tail()
    async with anyio.create_task_group() as tasks:
        for cluster, client in clients.items():
            todo = iter([body for name, body in victims if name == cluster])
            for _ in range(IN_FLIGHT):
                tasks.start_soon(_spoil_all, client, todo)
    last = await _until_healed(tail, user, {_object(*victim) for victim in victims})
    first = min(one.received for one in tail.read(STRANGER)).timestamp()
    await anyio.sleep(_AFTER_SECONDS)
    return last - first, _requests(tail, user) / len(victims)


def _victims(it: Living, prefix: str) -> list[Victim]:
    """Every object that can be edited, once; clusters in turn, then applications, then objects."""
    applications = [
        [body for body in it.bodies(index, prefix=prefix) if body["kind"] in _EDITED]
        for index in range(it.size.applications)
    ]
    return [
        (cluster, body)
        for bodies in zip(*applications, strict=True)
        for body in bodies
        for cluster in it.scene.clusters
    ]


async def _spoil_all(client: Client, todo: Iterator[Body]) -> None:
    for body in todo:
        await _spoil(client, body, str(time.monotonic_ns()))


async def _spoil(client: Client, body: Body, mark: str) -> None:
    """Edit an object by hand; the fifth of each application is deleted."""
    if body["kind"] == "Deployment":
        container = {"name": "main", "image": f"registry.example.org/evil:{mark}"}
        spec = {"template": {"spec": {"containers": [container]}}}
        await client.request(
            "PATCH",
            path_of(body),
            {"spec": spec},
            content_type="application/strategic-merge-patch+json",
        )
    elif body["metadata"]["name"].endswith("4"):
        await client.delete(path_of(body))
    else:
        await client.patch(path_of(body), {"data": {"version": f"by hand {mark}"}})


def _object(cluster: str, body: Body) -> tuple[str, str, str, str]:
    metadata = body["metadata"]
    return cluster, plural(body["kind"]), metadata["namespace"], metadata["name"]


async def _until_healed(tail: Tail, user: str, objects: set[tuple[str, str, str, str]]) -> float:
    """When the last of these was written by `user`, since the epoch."""
    with anyio.fail_after(_DEADLINE_SECONDS):
        while True:
            requests = tail.read(user)
            if objects <= written(requests):
                return max(one.answered for one in requests if one.has_written).timestamp()
            await anyio.sleep(_POLL_SECONDS)


def _requests(tail: Tail, user: str) -> float:
    found: list[Request] = [one for one in tail.read(user) if one.concerns_objects]
    return float(len(found))


async def _prepare_floor(it: Living) -> list[Body]:
    await it.scene.make_namespaces(_PREFIX, it.size.applications)
    bodies = [
        body for index in range(it.size.applications) for body in it.bodies(index, prefix=_PREFIX)
    ]
    await it.scene.apply_bare(bodies)
    return bodies


@asynccontextmanager
async def _healing_floor(scene: Scene, bodies: Sequence[Body]) -> AsyncIterator[None]:
    file = await scene.floor_order(bodies)
    command = [sys.executable, "-m", "bench.floor", "heal", str(file)]
    async with await anyio.open_process(command, stderr=None) as process:
        try:
            assert process.stdout is not None
            with anyio.fail_after(_DEADLINE_SECONDS):
                await process.stdout.receive()
            yield
        finally:
            process.kill()
