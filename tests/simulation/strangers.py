"""What others do in a cluster, with rights of their own."""

from __future__ import annotations

import random

from tests.simulation.cluster import SimulatedCluster
from tests.simulation.git import History

from shoal.model.identity import ObjectKey

STRANGE = {"data": {"v": "a stranger's"}}


async def edit(cluster: SimulatedCluster, draw: random.Random, *, adds: bool = False) -> None:
    """Change a field of an object of ours, or add one."""
    key = _one_of_ours(cluster, draw)
    if key is not None:
        patch = {"data": {f"x{draw.randrange(3)}": "1"}} if adds else {"data": {"v": "edited"}}
        await cluster.change(key, patch)


async def delete(cluster: SimulatedCluster, draw: random.Random) -> None:
    """Delete some objects of ours."""
    for _ in range(draw.choice((1, 1, 3))):
        key = _one_of_ours(cluster, draw)
        if key is not None:
            await cluster.remove(key)


def empty(cluster: SimulatedCluster) -> None:
    """Nothing is there any more."""
    cluster.hold({})


def take(cluster: SimulatedCluster, draw: random.Random) -> None:
    """Put one's own mark on an object of ours."""
    key = _one_of_ours(cluster, draw)
    if key is not None:
        cluster.objects[key].owner = None
        cluster.strangers.add(key)
        cluster.taken.add(key)


async def put_in_the_way(cluster: SimulatedCluster, history: History, draw: random.Random) -> None:
    """Create what an application may want to create."""
    missing = [key for key in history.wanted() if key not in cluster.objects]
    if not missing:
        return
    key = draw.choice(sorted(missing))
    await cluster.create({**history.wanted()[key], **STRANGE})
    cluster.uids.add((key, cluster.objects[key].uid))
    cluster.strangers.add(key)


def leave(cluster: SimulatedCluster) -> None:
    """Strangers take away what is theirs."""
    for key in sorted(cluster.strangers):
        live = cluster.objects.get(key)
        if live is not None and live.owner is None:
            del cluster.objects[key]
            cluster.tell(key)
    cluster.strangers.clear()
    cluster.taken.clear()


def _one_of_ours(cluster: SimulatedCluster, draw: random.Random) -> ObjectKey | None:
    ours = sorted(key for key, live in cluster.objects.items() if live.owner is not None)
    return draw.choice(ours) if ours else None
