"""Objects that leave Git: one of every application, on every cluster."""

from __future__ import annotations

import anyio

from bench.adapters import Adapter
from bench.figures import Figures
from bench.reading import Request
from bench.scene import Scene, living
from bench.workload import application_names

_APPROVE_SECONDS = 1.0
_AFTER_SECONDS = 1.5


async def measure(scene: Scene, repeats: int) -> Figures:
    """The keys `prune.*`."""
    per_object: list[float] = []
    walls: list[float] = []
    async with living(scene, "prune") as it:
        expected = it.size.applications * it.size.clusters
        for index in range(min(repeats, it.size.objects - 1)):
            tail = scene.tail()
            for name in application_names(it.size):
                it.repository.remove(name, f"part-{it.size.objects - 1 - index:03}")
            pushed = await it.push("Remove one of each")

            def is_done(found: list[Request]) -> bool:
                return sum(one.verb == "delete" and one.has_written for one in found) >= expected

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_approve_on_and_on, it.controller)
                await it.until(tail, is_done)
                tasks.cancel_scope.cancel()
            requests = tail.read(scene.user)
            last = max(one.answered for one in requests if one.has_written)
            await anyio.sleep(_AFTER_SECONDS)
            about = [one for one in tail.read(scene.user) if one.concerns_objects]
            per_object.append(len(about) / expected)
            walls.append((last - pushed).total_seconds())
    return {"prune.requests_per_object": per_object, "prune.wall_seconds": walls}


async def _approve_on_and_on(controller: Adapter) -> None:
    while True:
        await anyio.sleep(_APPROVE_SECONDS)
        await controller.approve_all()
