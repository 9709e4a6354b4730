"""What a mirror lets go of, and when its packs are made into one again.

Once a day, when a look brought nothing new, refs go of revisions that were handed out two weeks ago
or more, that no target is granted, and that no name is at. Which revisions are granted the engine
says; while it does not know, nothing goes. Then git collects garbage, but only when there is much
of it, and it leaves large packs as they are, so the cost does not grow with the repository. Nothing
here may fail a source: what did not succeed is done another day. Used by `source`.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import anyio

from shoal.errors import ShoalError
from shoal_plugins.git.mirrors import KEPT, TIPS, Mirror
from shoal_plugins.git.running import Command, GitFailed, run_git

KEPT_FOR = timedelta(days=14)
EVERY_SECONDS = 24 * 3600.0
MOST_LOOSE = 2000  # each is a file; some days of a busy repository
MOST_PACKS = 30
_GARBAGE_SECONDS = 300.0


async def tidy(mirror: Mirror) -> None:
    """Do what is due; mostly nothing. Must not be called while somebody waits for a revision."""
    now = anyio.current_time()
    if now < mirror.tidy_at:
        return
    is_first = mirror.tidy_at == 0.0
    mirror.tidy_at = now + EVERY_SECONDS
    granted = mirror.host.granted_revisions()
    with suppress(GitFailed, ShoalError):
        if granted is not None:
            await _drop_kept(mirror, granted)
        if not is_first:  # by now every name that is still wanted has been asked for
            await _drop_tips(mirror)
        if await _has_garbage(mirror):
            # A day: whoever reads a revision while its ref goes is done by then.
            options = ("--quiet", "--prune=1.day.ago")
            await run_git(
                Command("gc", options, deadline_seconds=_GARBAGE_SECONDS),
                mirror.folder,
                mirror.host,
            )


async def _drop_kept(mirror: Mirror, granted: Container[str]) -> None:
    last_day = datetime.now(UTC).date() - KEPT_FOR
    gone = [
        ref
        for ref, day, commit in await _kept(mirror)
        if day <= last_day and commit not in granted and commit not in mirror.current
    ]
    await _delete(mirror, gone)


async def _kept(mirror: Mirror) -> Sequence[tuple[str, date, str]]:
    found: list[tuple[str, date, str]] = []
    for ref in await _refs(mirror, KEPT):
        day, _, commit = ref.removeprefix(f"{KEPT}/").partition("/")
        with suppress(ValueError):
            found.append((ref, date.fromisoformat(day), commit))
    return found


async def _drop_tips(mirror: Mirror) -> None:
    gone = [ref for ref in await _refs(mirror, TIPS) if ref not in mirror.tips]
    await _delete(mirror, gone)


async def _refs(mirror: Mirror, below: str) -> Sequence[str]:
    command = Command("for-each-ref", ("--format=%(refname)",), (below,))
    return (await run_git(command, mirror.folder, mirror.host)).decode().split()


async def _delete(mirror: Mirror, refs: Sequence[str]) -> None:
    if refs:
        lines = "".join(f"delete {ref}\n" for ref in refs)
        command = Command("update-ref", ("--stdin",), stdin=lines.encode())
        await run_git(command, mirror.folder, mirror.host)


async def _has_garbage(mirror: Mirror) -> bool:
    printed = await run_git(Command("count-objects", ("-v",)), mirror.folder, mirror.host)
    counts = dict(line.split(": ") for line in printed.decode().splitlines())
    return int(counts["count"]) > MOST_LOOSE or int(counts["packs"]) > MOST_PACKS
