"""The demo from the first cluster to the last line, until it is over or somebody ends it.

What `commands` does when its command is carried out; in a module of its own, so that nothing of it
is imported for a line of help.
"""

from __future__ import annotations

import signal
from contextlib import AsyncExitStack
from time import monotonic

import anyio
import click
from anyio.abc import TaskStatus
from rich.console import Console

from shoal.binaries.showing import shown_progress
from shoal.errors import ShoalError
from shoal_clusters.controlplane.local import Flavour
from shoal_clusters.demo.fleet import cluster_names
from shoal_clusters.demo.performing import perform_tour
from shoal_clusters.demo.showing import show_demo
from shoal_clusters.demo.staging import set_stage
from shoal_clusters.demo.touring import leaves_of

_HELD, _NOT_HELD, _FAILED, _INTERRUPTED = 0, 1, 3, 130
_LOG_COLUMNS = 120  # where there is no terminal to ask: wide enough for every row of the tour


def play_demo(count: int, flavour: Flavour, *, is_tour: bool) -> int:
    """Show so many clusters, or play the tour; returns the exit code, with nothing left running."""
    began = monotonic()
    try:
        ended = anyio.run(_until_signal, cluster_names(count), flavour, is_tour, began)
        if ended == _INTERRUPTED:
            click.echo("everything is stopped and removed", err=True)
        return ended
    except* ShoalError as errors:
        for error in leaves_of(errors):
            assert isinstance(error, ShoalError)
            click.echo(f"error: {error.message}", err=True)
            if error.next_step:
                click.echo(f"  next: {error.next_step}", err=True)
    return _FAILED


async def _until_signal(names: list[str], flavour: Flavour, is_tour: bool, began: float) -> int:
    ended = _INTERRUPTED
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as playing:
            await group.start(_cancel_at_signal, playing)
            ended = await _perform(names, flavour, is_tour, began)
        group.cancel_scope.cancel()
    return ended


async def _cancel_at_signal(
    playing: anyio.CancelScope, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Begin to stop at the first signal; the others change nothing, stopping is bounded."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup(1) wants to go on
        numbers.append(signal.SIGHUP)
    with anyio.open_signal_receiver(*numbers) as signals:
        task_status.started()
        async for _ in signals:
            if not playing.cancel_called:
                click.echo("\nstopping everything", err=True)
                playing.cancel()


async def _perform(names: list[str], flavour: Flavour, is_tour: bool, began: float) -> int:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_LOG_COLUMNS)
    async with AsyncExitStack() as stack:
        with shown_progress() as progress:
            setting = set_stage(names, flavour=flavour, progress=progress)
            stage = await stack.enter_async_context(setting)
        if is_tour:
            return _HELD if await perform_tour(stage, console) else _NOT_HELD
        await show_demo(stage, console, began=began)
    return _FAILED
