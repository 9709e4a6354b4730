"""Memory: the slope while the fleet grows, of an idle cluster, and the whole process tree.

From the operating system, when nothing has been asked for a while: slopes of what the process
allocated itself, which other processes do not move, and the proportional size (PSS) of the tree.
"""

from __future__ import annotations

import anyio

from bench.adapters import Offer
from bench.figures import Figures, slope
from bench.reading import anonymous_bytes, pss_bytes, sockets
from bench.scene import Living, Scene, living, written
from bench.workload import MOST_KINDS, Size

STEPS = 4
# Connections that nobody uses are closed after thirty seconds; a cluster is idle after that.
IDLE_SECONDS = 35.0
_MIB = 1024 * 1024


async def measure(scene: Scene, repeats: int) -> Figures:
    """The keys `memory.*`, once."""
    figures = await _objects(scene)
    if scene.offers(Offer.JOINING):
        figures = {**figures, **await _idle_clusters(scene)}
    return figures


async def _objects(scene: Scene) -> Figures:
    """A fleet that grows from one to four times the size, in one process."""
    step = scene.size.applications
    size = Size(scene.size.clusters, step * STEPS, scene.size.objects)
    points: list[tuple[float, float]] = []
    tree = 0.0
    async with living(scene, "memory", size=size, filled=step) as it:
        for number in range(1, STEPS + 1):
            if number > 1:
                await _fill(it, range(step * (number - 1), step * number))
            await it.until_quiet(scene.tail())
            points.append((float(scene.size.total * number), _allocated(it)))
            if number == 1:
                tree = pss_bytes(it.controller.pids) / _MIB
    return {
        "memory.bytes_per_object": [slope(points)],
        "memory.tree_mib": [tree],
        "memory.process_mib_by_size": [value / _MIB for _, value in points],
    }


async def _fill(it: Living, applications: range) -> None:
    expected = len(applications) * it.size.clusters * it.size.objects
    tail = it.scene.tail()
    it.fill(applications)
    await it.push("Grow")
    await it.until(tail, lambda found: len(written(found)) >= expected)


def _allocated(it: Living) -> float:
    return float(anonymous_bytes([it.controller.pids[0]]))


async def _idle_clusters(scene: Scene) -> Figures:
    """One application of ten kinds on one cluster, then on one more, and so on."""
    names = list(scene.clusters)
    size = Size(1, 1, MOST_KINDS)
    points: list[tuple[float, float]] = []
    open_sockets: list[float] = []
    first = {names[0]: scene.clusters[names[0]]}
    async with living(scene, "idle", size=size, kinds=MOST_KINDS, clusters=first) as it:
        for count in range(1, len(names) + 1):
            await it.controller.join({name: scene.clusters[name] for name in names[:count]})
            await anyio.sleep(IDLE_SECONDS)
            points.append((float(count), _allocated(it)))
            open_sockets.append(float(sockets(it.controller.pids[0])))
    figures = {
        "memory.watched_kinds": [float(MOST_KINDS)],
        "memory.sockets_by_clusters": open_sockets,
        "memory.mib_by_clusters": [value / _MIB for _, value in points],
    }
    if len(points) > 1:
        figures["memory.mib_per_idle_cluster"] = [slope(points) / _MIB]
    return figures
