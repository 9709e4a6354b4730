"""A fetch that is ended when it brings more than agreed; git itself knows no such bound.

What arrives grows in a temporary pack, whose size is looked at once a second: a fetch that is over
by then pays nothing for it. Used by `mirrors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anyio

from shoal.errors import BudgetExceeded, ShoalError
from shoal.hooks.host import Host
from shoal_plugins.git.running import Command, GitFailed, run_git

_LOOK_SECONDS = 1.0
_ARRIVING = "objects/pack/tmp_pack_*"


async def run_bounded(command: Command, mirror: Path, host: Host, most_bytes: int) -> None:
    """Run a git that fetches; raises as `run_git`, and BudgetExceeded when it brings too much."""
    assert command.remote is not None
    failure: GitFailed | ShoalError | None = None
    before = await host.run_in_thread(_arriving, mirror)
    is_beyond = False

    async def watch() -> None:
        nonlocal is_beyond
        while not is_beyond:
            await anyio.sleep(_LOOK_SECONDS)
            now = await host.run_in_thread(_arriving, mirror)
            is_beyond = sum(now[path] for path in now.keys() - before) > most_bytes
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        try:
            await run_git(command, mirror, host)
        except (GitFailed, ShoalError) as error:
            failure = error
        tasks.cancel_scope.cancel()
    if is_beyond:
        await host.run_in_thread(_remove, mirror, before)
        raise BudgetExceeded(
            f"repository {command.remote.address.text} would bring more than "
            f"{most_bytes >> 20} MiB",
            next_step="set history: Latest, which fetches no past, or take large files out",
        )
    if failure is not None:
        raise failure


def _arriving(mirror: Path) -> Mapping[Path, int]:
    sizes: dict[Path, int] = {}
    for path in mirror.glob(_ARRIVING):
        try:
            sizes[path] = path.stat().st_size
        except FileNotFoundError:  # it became a pack meanwhile
            continue
    return sizes


def _remove(mirror: Path, before: Mapping[Path, int]) -> None:
    """Remove what the ended git left, which no later git would."""
    for path in mirror.glob(_ARRIVING):
        if path not in before:
            path.unlink(missing_ok=True)
