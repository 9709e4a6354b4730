"""Shows people how far long work is: a bar in a terminal, a line now and then elsewhere.

Always on standard error, because standard output is for data only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from shoal.binaries import Progress

_LINE_SECONDS = 10.0  # often enough to see that it lives, seldom enough for a log of CI


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A `Progress` that is visible while the block lasts."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("preparing", total=None)

        def show(message: str, fraction: float | None) -> None:
            bar.update(task, description=message, total=1.0 if fraction else None)
            if fraction:
                bar.update(task, completed=fraction)

        yield show


def _lines() -> Progress:
    last = -_LINE_SECONDS

    def show(message: str, fraction: float | None) -> None:
        nonlocal last
        now = time.monotonic()
        is_done = fraction == 1.0
        if is_done or now - last >= _LINE_SECONDS:
            last = now
            click.echo(
                message if not fraction or is_done else f"{message} {fraction:.0%}", err=True
            )

    return show
