"""What happens to clusters, and what strangers do in them: as `happenings`, for these kinds."""

from __future__ import annotations

import random

import anyio
from tests.simulation.cluster import DEGRADED, PROGRESSING, SimulatedCluster
from tests.simulation.kinds import End, Happening, registering
from tests.simulation.schedule import Event
from tests.simulation.strangers import delete, edit, empty, put_in_the_way, take
from tests.simulation.world import World

from shoal.errors import ForbiddenByCluster
from shoal.model.identity import GroupKind, ObjectKey
from shoal.testing.fake_cluster import SERVED

HAPPENINGS: dict[str, Happening] = {}
_kind = registering(HAPPENINGS)


# -- clusters ----------------------------------------------------------------------------------


def _fault(name: str) -> Happening:
    async def happening(world: World, event: Event, draw: random.Random) -> End:
        faults = world.clusters[event.subject].faults
        setattr(faults, name, True)
        return lambda: setattr(faults, name, False)

    return happening


for _name, _field in {
    "unreachable": "is_unreachable",
    "hangs": "hangs",
    "slow": "is_slow",
    "answers lost": "loses_answers",
    "applies lost": "loses_applies",
    "credential refused": "refuses_credential",
    "busy": "is_busy",
    "session breaks": "breaks_sessions",
}.items():
    HAPPENINGS[_name] = _fault(_field)


@_kind("flapping")
async def _flapping(world: World, event: Event, draw: random.Random) -> None:
    faults = world.clusters[event.subject].faults
    until = anyio.current_time() + event.seconds
    try:
        while anyio.current_time() < until:
            faults.is_unreachable = not faults.is_unreachable
            world.disturb(event.subject)
            await anyio.sleep(draw.uniform(1, 40))
    finally:
        faults.is_unreachable = False


@_kind("another cluster answers")
async def _another(world: World, event: Event, draw: random.Random) -> End:
    faults = world.clusters[event.subject].faults
    faults.answers_as = f"uid-{draw.randrange(10**6)}"
    return lambda: setattr(faults, "answers_as", "")


@_kind("replaced")
async def _replaced(world: World, event: Event, draw: random.Random) -> None:
    """Somebody set the cluster up anew, under the same name; people will say that it is meant."""
    cluster = world.clusters[event.subject]
    cluster.uid = f"{cluster.uid}-again"
    cluster.faults.answers_as = ""
    cluster.snapshots.clear()
    empty(cluster)


@_kind("rolled back")
async def _rolled_back(world: World, event: Event, draw: random.Random) -> None:
    """Its etcd was restored from an older snapshot."""
    cluster = world.clusters[event.subject]
    if cluster.snapshots:
        cluster.restore(draw.choice(cluster.snapshots))


@_kind("partial discovery")
async def _partial(world: World, event: Event, draw: random.Random) -> End:
    cluster = world.clusters[event.subject]
    lost = GroupKind("apps", "Deployment") if draw.random() < 0.5 else GroupKind("", "ConfigMap")
    cluster.served = set(SERVED) - {lost}

    def end() -> None:
        cluster.served = set(SERVED)

    return end


@_kind("watch dropped")
async def _deaf(world: World, event: Event, draw: random.Random) -> End:
    cluster = world.clusters[event.subject]
    cluster.faults.is_deaf = True

    def end() -> None:
        cluster.faults.is_deaf = False
        cluster.hear_again(key for name, key in world.memory.rows if name == cluster.name)

    return end


@_kind("objects refused")
async def _refused(world: World, event: Event, draw: random.Random) -> End:
    cluster = world.clusters[event.subject]
    # What a server calls invalid waits for a commit; this ends by itself, and so must its trouble.
    error = ForbiddenByCluster("a quota is used up")
    keys = frozenset(key for key in _owned(world, cluster) if draw.random() < 0.4)
    cluster.refusals.update(dict.fromkeys(keys, error))
    cluster.faults.refused = keys

    def end() -> None:
        cluster.faults.refused = frozenset()
        for key in keys:
            cluster.refusals.pop(key, None)

    return end


@_kind("unhealthy")
async def _unhealthy(world: World, event: Event, draw: random.Random) -> End:
    cluster = world.clusters[event.subject]
    keys = frozenset(key for key in _owned(world, cluster) if key.kind == "Deployment")
    cluster.make_ill(keys, draw.choice((PROGRESSING, DEGRADED)))

    return lambda: cluster.make_well(keys)


def _owned(world: World, cluster: SimulatedCluster) -> list[ObjectKey]:
    return sorted(key for name, key in world.memory.rows if name == cluster.name)


# -- strangers ---------------------------------------------------------------------------------


@_kind("edited")
async def _edited(world: World, event: Event, draw: random.Random) -> None:
    await edit(world.clusters[event.subject], draw)


@_kind("fields added")
async def _added(world: World, event: Event, draw: random.Random) -> None:
    await edit(world.clusters[event.subject], draw, adds=True)


@_kind("deleted")
async def _deleted(world: World, event: Event, draw: random.Random) -> None:
    await delete(world.clusters[event.subject], draw)


@_kind("emptied")
async def _emptied(world: World, event: Event, draw: random.Random) -> None:
    empty(world.clusters[event.subject])


@_kind("taken")
async def _taken(world: World, event: Event, draw: random.Random) -> None:
    take(world.clusters[event.subject], draw)


@_kind("in the way")
async def _in_the_way(world: World, event: Event, draw: random.Random) -> None:
    cluster = world.clusters[event.subject]
    names = draw.sample(world.scenario.applications, 1)
    await put_in_the_way(cluster, world.git.histories[names[0]], draw)


@_kind("fought over")
async def _fought(world: World, event: Event, draw: random.Random) -> None:
    """Somebody else's controller writes the same fields again and again."""
    cluster = world.clusters[event.subject]
    until, number = anyio.current_time() + event.seconds, draw.randrange(10**6)
    while anyio.current_time() < until:
        await edit(cluster, random.Random(number))
        world.disturb(event.subject)
        await anyio.sleep(draw.uniform(1, 20))
