"""What a command says while it takes long: on stderr, where no data is.

Nothing at all within the first second. After that one line that is written over again and again on
a terminal, and a plain line every ten seconds elsewhere, so that a log stays short. For what most
often takes milliseconds: what may build or fetch something shows a bar (`shoal.binaries.showing`),
whose import alone would be seen here.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import click

from shoal.cli.phrasing import clean, span_of

QUIET_SECONDS = 1.0
PLAIN_SECONDS = 10.0
_TICK_SECONDS = 1.0
_WIPE = "\r\x1b[2K"

Say = Callable[[str], None]


@contextmanager
def saying_progress(clock: Callable[[], float] = time.monotonic) -> Iterator[Say]:
    """Gives what says how far a command is; what was written over is wiped at the end."""
    is_terminal = sys.stderr.isatty()
    due = clock() + QUIET_SECONDS
    is_shown = False

    def say(text: str) -> None:
        nonlocal due, is_shown
        if clock() < due:
            return
        if is_terminal:
            click.echo(f"{_WIPE}{clean(text)}", nl=False, err=True)
            is_shown = True
        else:
            click.echo(clean(text), err=True)
            due = clock() + PLAIN_SECONDS

    try:
        yield say
    finally:
        if is_shown:
            click.echo(_WIPE, nl=False, err=True)


@contextmanager
def ticking(doing: str) -> Iterator[None]:
    """Says what is being done and for how long, while the block does nothing but wait for it."""
    done = threading.Event()
    started = time.monotonic()

    def tick() -> None:
        with saying_progress() as say:
            while not done.wait(_TICK_SECONDS):
                say(f"{doing} ({span_of(timedelta(seconds=time.monotonic() - started))})")

    thread = threading.Thread(target=tick, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
