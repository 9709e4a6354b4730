"""Profiles of the first sync and of quiet, as text: where the main thread spends its CPU.

Sampled at every 2 ms of CPU of the process, with less than a per cent of overhead. CPU of other
threads shows as the place where the main thread waits meanwhile (`select`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio
import orjson

from bench.cold import first_sync
from bench.scene import Scene, living

Sample = tuple[float, Sequence[str]]
TOP = 20


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
    return summarise([stack for at, stack in samples if since <= at <= until], until - since)


def summarise(stacks: Sequence[Sequence[str]], seconds: float) -> str:
    """The functions with the most samples of their own, and with what they call."""
    own = Counter(_short(stack[0]) for stack in stacks if stack)
    inclusive = Counter(name for stack in stacks for name in {_short(each) for each in stack})
    parts = [f"{len(stacks)} samples in {seconds:.1f} seconds"]
    for title, counts in (("own time", own), ("with what they call", inclusive)):
        parts.append(f"\n{title}")
        parts += [
            f"{100 * count / len(stacks):5.1f} %  {name}" for name, count in counts.most_common(TOP)
        ]
    return "\n".join([*parts, ""])


def _short(place: str) -> str:
    """A file from its package on, and the function."""
    file, _, function = place.rpartition(":")
    for root in ("/site-packages/", "/core/", "/clusters/", "/plugins/", "/lib/"):
        if root in file:
            return f"{file.rpartition(root)[2]}:{function}"
    return f"{Path(file).name}:{function}"
