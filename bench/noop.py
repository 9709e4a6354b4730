"""Nothing happens: quiet minutes, then one forced full check of everything, where there is one."""

from __future__ import annotations

import anyio

from bench.adapters import Offer
from bench.figures import Figures
from bench.reading import Sort, cpu_seconds
from bench.scene import Scene, living

KINDS = 8


async def measure(scene: Scene, quiet_seconds: float) -> Figures:
    """The keys `noop.*`, once."""
    async with living(scene, "noop", kinds=KINDS) as it:
        await it.until_quiet(scene.tail())
        tail = scene.tail()
        pids = it.controller.pids
        before = cpu_seconds(pids)
        await anyio.sleep(quiet_seconds)
        cpu = cpu_seconds(pids) - before
        quiet = tail.read(scene.user)
        if scene.offers(Offer.FULL_CHECK):
            it.controller.check_everything()
            lists = KINDS * it.size.clusters
            await it.until(tail, lambda found: sum(one.sort is Sort.LIST for one in found) >= lists)
        every = await it.until_quiet(tail)
    about = [one for one in every if one.concerns_objects]
    minutes = quiet_seconds / 60 * it.size.clusters
    figures = {
        "noop.requests_per_object": [len(about) / it.size.total],
        "noop.cpu_core_percent": [cpu / quiet_seconds * 100],
        "noop.probes_per_cluster_and_minute": [
            sum(one.sort is Sort.PROBE for one in quiet) / minutes
        ],
    }
    if scene.offers(Offer.FULL_CHECK):
        pages = sum(one.sort is Sort.LIST for one in every)
        figures["noop.pages_of_the_full_check"] = [float(pages)]
    return figures
