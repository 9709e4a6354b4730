"""Profiles of the first sync and of quiet, as text: where the main thread spends its CPU.

Sampled by the CPU that the process uses (every 2 ms, or as often as the kernel's clock ticks). CPU
of other threads shows as the place where the main thread waits meanwhile (`select`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio
import orjson

from bench.cold import first_sync
from bench.scene import Scene, living
from bench.stacks import summarise

Sample = tuple[float, Sequence[str]]


async def profile(scene: Scene, output: Path, quiet_seconds: float) -> None:
    """Write `profile-cold.txt` and `profile-quiet.txt` into the folder `output`."""
    record = scene.folder / "profile.json"
    cold = await first_sync(scene, "profile", record=record, is_profiled=True)
    text = _text(record, cold.pushed.timestamp(), cold.last.timestamp())
    await anyio.Path(output / "profile-cold.txt").write_text(text)
    async with living(scene, "profile-quiet", record=record, is_profiled=True) as it:
        await it.until_quiet(scene.tail())
        since = datetime.now(UTC).timestamp()
        await anyio.sleep(quiet_seconds)
        until = datetime.now(UTC).timestamp()
    text = _text(record, since, until)
    await anyio.Path(output / "profile-quiet.txt").write_text(text)


def _text(record: Path, since: float, until: float) -> str:
    samples: list[Sample] = orjson.loads(record.read_bytes())["samples"]
    stacks = [stack for at, stack in samples if since <= at <= until]
    return f"{until - since:.1f} seconds; {summarise(stacks)}"
