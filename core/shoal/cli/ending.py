"""How a command ends: one exit code and, when something is wrong, what, why and the next step.

    0 ok   1 the answer is no   2 usage   3 operation failed   4 not found   5 not allowed
    6 no answer, or not from all clusters   7 timeout   130 interrupted
    141 nobody reads the output any more

A known failure (1) beats an incomplete answer (6). Errors of Shoal's tree are shown as a sentence;
everything else is a bug of ours, called a bug, and shown with its traceback.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from io import TextIOWrapper

import click

from shoal import errors
from shoal.errors import ShoalError


class Ending(IntEnum):
    """The exit codes."""

    OK = 0
    NO = 1
    USAGE = 2
    FAILED = 3
    NOT_FOUND = 4
    FORBIDDEN = 5
    PARTIAL = 6
    TIMEOUT = 7
    INTERRUPTED = 130
    UNREAD = 141


_ENDINGS: Mapping[type[ShoalError], Ending] = {
    errors.UnknownName: Ending.NOT_FOUND,
    errors.InvalidQuery: Ending.USAGE,
    errors.AccessDenied: Ending.FORBIDDEN,
    errors.NotRunning: Ending.PARTIAL,
    errors.ClusterUnreachable: Ending.PARTIAL,
    errors.ClusterNotConnected: Ending.PARTIAL,
    errors.SourceUnavailable: Ending.PARTIAL,
}


_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EBADF})
"""What standard output says that leads to a full disk, or nowhere."""


def ending_of(error: ShoalError) -> Ending:
    """The exit code of a known error."""
    for kind, ending in _ENDINGS.items():
        if isinstance(error, kind):
            return ending
    return Ending.FAILED


def worse(*endings: Ending) -> Ending:
    """The one code for several: a known failure beats an incomplete answer beats ok."""
    order = (Ending.FAILED, Ending.NO, Ending.TIMEOUT, Ending.PARTIAL, Ending.OK)
    return min(endings, key=order.index, default=Ending.OK)


def carry_out(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; the only place that prints errors."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ✔ gets a ?, not a traceback
    from shoal.cli.root import shoal

    try:
        ended = shoal.main(args=list(arguments), prog_name="shoal", standalone_mode=False)
        return int(ended) if isinstance(ended, int) else Ending.OK
    except SystemExit:  # by click: the pipe was closed. As SIGPIPE ends others; 1 is an answer
        return Ending.UNREAD
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return Ending.INTERRUPTED
    except Exception as error:  # the border of a command: everything ends in words and a code
        return max(_say(one) for one in leaves(error))


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors inside the groups that task groups raise."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def _say(error: BaseException) -> Ending:
    if isinstance(error, ShoalError):
        say_error(error.message, error.next_step)
        return ending_of(error)
    if isinstance(error, TimeoutError):
        say_error(str(error) or "this took too long")
        return Ending.TIMEOUT
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        say_error(f"it cannot be written: {os.strerror(error.errno).lower()}", "write elsewhere")
        return Ending.FAILED
    import traceback  # 12 ms, for the one case that should not be

    from shoal.cli.phrasing import clean
    from shoal.telemetry.masking import safe

    told = safe("".join(traceback.format_exception(error)), None)
    click.echo(clean(told, keep_lines=True), err=True, nl=False)
    say_error(
        f"this is a bug in Shoal, not in your input: {type(error).__name__}: {error}",
        "report it with the lines above",
    )
    return Ending.FAILED


def say_error(message: str, next_step: str = "") -> None:
    """One error on stderr, its next step on a line of its own."""
    from shoal.cli.phrasing import clean
    from shoal.telemetry.masking import safe

    click.echo(f"error: {clean(safe(message, None))}", err=True)
    if next_step:
        click.echo("\n".join(f"  next: {clean(next_step, keep_lines=True)}".splitlines()), err=True)


def note(text: str) -> None:
    """A hint, warning or progress line on stderr."""
    from shoal.cli.phrasing import clean

    click.echo(clean(text), err=True)
