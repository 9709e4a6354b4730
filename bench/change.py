"""A commit to a fleet that is synced: one object of every application, of one, of none.

The floor of a change is its parts alone, one after the other: `git fetch` of the same commit by the
git command, reading and parsing the changed folders by the renderer in a process of its own, and
the same objects applied by the bare client.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import orjson

from bench.adapters import Offer
from bench.figures import Figures
from bench.parts import fetch_alone, make_mirror, render_alone
from bench.reading import Request
from bench.scene import FLOOR_USER, Living, Scene, living, written
from bench.workload import application_names


@dataclass(frozen=True, slots=True)
class Change:
    """One commit: what it cost, and between which times (since the epoch) it was worked on."""

    wall: float
    floor: float
    requests: Sequence[Request]
    since: float
    until: float


async def measure(scene: Scene, repeats: int) -> Figures:
    """The keys `change_all.*`, `change_one.*` and `unrelated.*`."""
    everything: list[Change] = []
    single: list[Change] = []
    unrelated: list[Change] = []
    record = scene.folder / "change.json" if scene.offers(Offer.RECORD) else None
    async with living(scene, "change", record=record) as it:
        mirror = await make_mirror(it, scene.folder / "change-mirror.git")
        await _prepare_floor(it)
        for index in range(repeats):
            names = range(it.size.applications)
            everything.append(await _change(it, mirror, names, version=2 * index + 2))
            one = range(index % len(names), index % len(names) + 1)
            single.append(await _change(it, mirror, one, version=2 * index + 3))
            unrelated.append(await _change_nothing(it, index))
    return {
        **_figures("change_all", scene, everything),
        **_figures("change_one", scene, single),
        "unrelated.requests": [float(len(one.requests)) for one in unrelated],
        **(await _renders(record, everything, single, unrelated) if record else {}),
    }


def _figures(key: str, scene: Scene, changes: Sequence[Change]) -> Figures:
    # One write on each cluster is 1.
    targets = scene.size.clusters * (scene.size.applications if key == "change_all" else 1)
    return {
        f"{key}.requests": [len(one.requests) / targets for one in changes],
        f"{key}.wall_seconds": [one.wall for one in changes],
        f"{key}.floor_wall_seconds": [one.floor for one in changes],
        f"{key}.wall_over_floor": [one.wall / one.floor for one in changes],
    }


async def _renders(record: Path, *changes: Sequence[Change]) -> Figures:
    """How often a renderer was called during each; in the order of `measure`."""
    renders: list[float] = orjson.loads(await anyio.Path(record).read_bytes())["renders"]
    return {
        f"{key}.renders": [
            float(sum(one.since <= at <= one.until for at in renders)) for one in found
        ]
        for key, found in zip(("change_all", "change_one", "unrelated"), changes, strict=True)
    }


async def _change(it: Living, mirror: Path, applications: range, *, version: int) -> Change:
    tail = it.scene.tail()
    it.fill(applications, version=version)
    expected = len(applications) * it.size.clusters
    pushed = await it.push(f"Version {version}")
    await it.until(tail, lambda found: len(written(found)) >= expected, poll_seconds=0.05)
    # What is asked beyond the last expected write belongs to the change as well.
    requests = [one for one in await it.until_quiet(tail) if one.concerns_objects]
    last = max(one.answered for one in requests if one.has_written)
    floor = await _floor(it, mirror, applications, version=version)
    wall = (last - pushed).total_seconds()
    return Change(wall, floor, requests, pushed.timestamp(), time.time())


async def _change_nothing(it: Living, index: int) -> Change:
    tail = it.scene.tail()
    await anyio.Path(it.repository.folder / "README").write_text(f"{index}\n")
    pushed = await it.push("Say more")
    revision = await anyio.to_thread.run_sync(it.repository.git, "rev-parse", "HEAD")
    await it.controller.until_seen(revision)
    requests = [one for one in await it.until_quiet(tail) if one.concerns_objects]
    return Change(0.0, 0.0, requests, pushed.timestamp(), time.time())


async def _prepare_floor(it: Living) -> None:
    """The floor changes objects that are there, as the controller does."""
    await it.scene.make_namespaces(f"{FLOOR_USER}-change", it.size.applications)
    bodies = [
        body
        for index in range(it.size.applications)
        for body in it.bodies(index, prefix=f"{FLOOR_USER}-change")
    ]
    await it.scene.apply_bare(bodies)


async def _floor(it: Living, mirror: Path, applications: range, *, version: int) -> float:
    """Fetch, render and apply alone; seconds."""
    folders = [application_names(it.size)[index] for index in applications]
    bodies = [
        it.bodies(index, version=version, prefix=f"{FLOOR_USER}-change")[0]
        for index in applications
    ]
    fetched = await fetch_alone(mirror)
    rendered = await render_alone(it.form, it.repository.folder, folders)
    return fetched + rendered + (await it.scene.apply_bare(bodies))["wall"]
