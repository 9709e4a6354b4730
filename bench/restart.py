"""A controller that is started again: with its state, and with its database lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.figures import Figures
from bench.reading import Request, Sort
from bench.scene import Living, Scene, living
from bench.workload import collection_of


async def measure(scene: Scene, repeats: int) -> Figures:
    """The keys `restart.*` and `recover.*`."""
    restarts: list[Sequence[Request]] = []
    recoveries: list[Sequence[Request]] = []
    changed: list[float] = []
    async with living(scene, "restart") as it:
        await it.until_quiet(scene.tail())
        for _ in range(repeats):
            restarts.append(await _again(it, forget=False))
            before = await _versions(it)
            recoveries.append(await _again(it, forget=True))
            after = await _versions(it)
            changed.append(float(sum(before.get(key) != version for key, version in after.items())))
        kinds = len({body["kind"] for body in it.bodies(0)}) * it.size.clusters
        total = it.size.total
    return {
        "restart.writes": [_count(one, Sort.WRITE) for one in restarts],
        "restart.dry_runs": [float(sum(each.is_dry_run for each in one)) for one in restarts],
        "restart.reads": [_count(one, Sort.READ) for one in restarts],
        "restart.requests_per_kind": [_count(one, Sort.LIST) / kinds for one in restarts],
        "restart.other_requests_per_cluster": [
            (_count(one, Sort.PROBE) + _count(one, Sort.DISCOVERY)) / scene.size.clusters
            for one in restarts
        ],
        "recover.requests_per_object": [
            sum(each.concerns_objects for each in one) / total for one in recoveries
        ],
        "recover.pages_per_kind": [_count(one, Sort.LIST) / kinds for one in recoveries],
        "recover.changed": changed,
    }


async def _again(it: Living, *, forget: bool) -> Sequence[Request]:
    """Stop, perhaps lose the database, start; what was asked until nothing more was."""
    await it.controller.stop()
    if forget:
        it.controller.forget()
    tail = it.scene.tail()
    await it.controller.start()
    return await it.until_quiet(tail)


def _count(requests: Sequence[Request], sort: Sort) -> float:
    return float(Counter(request.sort for request in requests)[sort])


async def _versions(it: Living) -> dict[tuple[str, str], str]:
    """The resourceVersion of every object, by cluster and uid."""
    kinds = {(body["apiVersion"], body["kind"]) for body in it.bodies(0)}
    found: dict[tuple[str, str], str] = {}
    for name, cluster in it.scene.clusters.items():
        async with cluster.client() as client:
            for api_version, kind in kinds:
                for item in (await client.get(collection_of(api_version, kind)))["items"]:
                    metadata = item["metadata"]
                    if metadata["namespace"].startswith(f"{it.prefix}-app-"):
                        found[name, metadata["uid"]] = metadata["resourceVersion"]
    return found
