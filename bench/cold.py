"""The first sync of everything, from the push to the last answer, beside the floor.

Both are sent to the same API servers, in turn, each time into new namespaces. Writes and other
requests are counted from the audit logs by user. `growth` is the CPU per object of a fleet four
times as large; `loop` is the same sync under `instrumented`, which measures the event loop's lag.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import orjson

from bench.figures import Figures, percentile
from bench.reading import Sort, cpu_seconds
from bench.scene import FLOOR_USER, Scene, living, written
from bench.stacks import summarise
from bench.workload import Size, application_names, objects_of

GROWTH = 4
# A watch has its line in the audit log when it ends: a moment after the controller.
_LOG_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class FirstSync:
    """One first sync: seconds, and requests as counted by the API servers."""

    writes: int
    other_requests: int
    wall: float
    cpu: float
    server_cpu: float
    pushed: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Bare:
    """The same by the bare client."""

    wall: float
    cpu: float
    server_cpu: float


async def measure(scene: Scene, repeats: int) -> Figures:
    """The keys `cold.*`."""
    # API servers that have just started are slower than they will ever be again.
    await _bare(scene, "warm")
    done: list[tuple[FirstSync, Bare]] = []
    for index in range(repeats):
        if index % 2:
            ours = await first_sync(scene, f"cold-{index}")
            bare = await _bare(scene, f"{FLOOR_USER}-{index}")
        else:
            bare = await _bare(scene, f"{FLOOR_USER}-{index}")
            ours = await first_sync(scene, f"cold-{index}")
        done.append((ours, bare))
    return _figures(scene.size, done)


async def measure_growth(scene: Scene, repeats: int) -> Figures:
    """The key `growth.cpu_per_object`, from a single pair of runs."""
    small = scene.size
    large = Size(small.clusters, small.applications * GROWTH, small.objects)
    few = await first_sync(scene, "growth-small")
    many = await first_sync(scene, "growth-large", size=large)
    ours, base = many.cpu / large.total * 1000, few.cpu / small.total * 1000
    return {
        "growth.cpu_ms_per_object": [ours],
        "growth.wall_seconds": [many.wall],
        "growth.writes_per_object": [many.writes / large.total],
        "growth.cpu_per_object": [ours / base],
    }


async def measure_loop(scene: Scene, repeats: int, output: Path) -> Figures:
    """The keys `loop.*`: lags while the first sync lasts; where it lagged goes to `output`."""
    found: list[list[float]] = []
    bare: list[list[float]] = []
    held: list[Sequence[str]] = []
    for index in range(repeats):
        record, floor = scene.folder / f"loop-{index}.json", scene.folder / f"tick-{index}.json"
        async with await anyio.open_process([sys.executable, "-m", "bench.ticking", floor]) as tick:
            ours = await first_sync(scene, f"loop-{index}", record=record)
            tick.terminate()
        between = ours.pushed.timestamp(), ours.last.timestamp()
        found.append(await _lags_ms(record, between))
        bare.append(await _lags_ms(floor, between))
        told = orjson.loads(await anyio.Path(record).read_bytes())["held"]
        held += [stack for at, stack in told if between[0] <= at <= between[1]]
    if held:
        await anyio.Path(output).write_text(summarise(held))
    return {
        "loop.lag_ms_p99": [percentile(lags, 99) for lags in found],
        "loop.lag_ms_median": [percentile(lags, 50) for lags in found],
        "loop.lag_ms_max": [max(lags) for lags in found],
        "loop.floor_lag_ms_p99": [percentile(lags, 99) for lags in bare],
    }


async def _lags_ms(file: Path, between: tuple[float, float]) -> list[float]:
    lags = orjson.loads(await anyio.Path(file).read_bytes())["lags"]
    return [lag * 1000 for at, lag in lags if between[0] <= at <= between[1]]


async def first_sync(
    scene: Scene, name: str, *, size: Size | None = None, **options: Any
) -> FirstSync:
    """Push everything at once to a controller that is up, connected and has nothing to do."""
    size = size or scene.size
    tail = scene.tail()
    async with living(scene, name, size=size, filled=0, **options) as it:
        it.fill(range(size.applications))
        pids, servers = it.controller.pids, scene.server_pids
        cpu, server_cpu = cpu_seconds(pids), cpu_seconds(servers)
        pushed = await it.push("Fill the applications")
        requests = await it.until(tail, lambda found: len(written(found)) >= size.total)
        cpu = cpu_seconds(it.controller.pids) - cpu
        server_cpu = cpu_seconds(servers) - server_cpu
    await anyio.sleep(_LOG_SECONDS)
    every = tail.read(scene.user)
    writes = sum(one.sort is Sort.WRITE for one in every)
    last = max(one.answered for one in requests if one.has_written)
    wall = (last - pushed).total_seconds()
    return FirstSync(writes, len(every) - writes, wall, cpu, server_cpu, pushed, last)


async def _bare(scene: Scene, prefix: str) -> Bare:
    size = scene.size
    await scene.make_namespaces(prefix, size.applications)
    bodies = [
        body
        for name in application_names(size)
        for body in objects_of(f"{prefix}-{name}", size.objects)
    ]
    servers = scene.server_pids
    before = cpu_seconds(servers)
    spent = await scene.apply_bare(bodies)
    return Bare(spent["wall"], spent["cpu"], cpu_seconds(servers) - before)


def _figures(size: Size, done: list[tuple[FirstSync, Bare]]) -> Figures:
    return {
        "cold.writes_per_object": [ours.writes / size.total for ours, _ in done],
        "cold.other_requests_per_cluster": [
            ours.other_requests / size.clusters for ours, _ in done
        ],
        "cold.wall_seconds": [ours.wall for ours, _ in done],
        "cold.floor_wall_seconds": [bare.wall for _, bare in done],
        "cold.wall_over_floor": [ours.wall / bare.wall for ours, bare in done],
        "cold.cpu_seconds": [ours.cpu for ours, _ in done],
        "cold.cpu_over_floor": [ours.cpu / bare.cpu for ours, bare in done],
        "cold.server_cpu_over_floor": [ours.server_cpu / bare.server_cpu for ours, bare in done],
    }
