"""What a command says while it takes long: on stderr, where no data is.

Nothing at all within the first second. After that one line that is written over again and again on
a terminal, and a plain line every ten seconds elsewhere, so that a log stays short.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from shoal.cli.phrasing import clean

QUIET_SECONDS = 1.0
PLAIN_SECONDS = 10.0
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
