"""Gives one text to one parser: an answer in time, within memory, or an error that is declared."""

from __future__ import annotations

import asyncio
import inspect
import resource
import signal
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

MOST_SECONDS = 5.0  # hundreds of times what any of these takes
_MEMORY_BYTES = 2 << 30  # beside what the process has when it begins


class TooLong(BaseException):
    """A parser did not answer in time; no parser may catch it."""


@dataclass(frozen=True)
class Target:
    """One parser of outside input: what it may raise, and good texts to begin with."""

    name: str
    read: Callable[[bytes], object]
    declared: tuple[type[BaseException], ...]
    seeds: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True)
class Finding:
    """A text that a parser did not bear, and the one line that tells this kind from others."""

    target: str
    kind: str
    text: bytes = field(repr=False)
    told: str = field(repr=False)


def attempt(target: Target, text: bytes, loop: asyncio.AbstractEventLoop) -> Finding | None:
    """None when the parser gave something, or raised what it may raise."""
    try:
        with _alarm(MOST_SECONDS):
            given = target.read(text)
            if inspect.isawaitable(given):
                loop.run_until_complete(_awaited(given))
    except target.declared:
        return None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Finding(target.name, _kind(error), text, traceback.format_exc(limit=-12))
    return None


async def _awaited(given: Awaitable[object]) -> None:
    await given


def limit_memory() -> None:
    """More than the budget is a MemoryError of whoever asks for it."""
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY_BYTES, resource.RLIM_INFINITY))


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _kind(error: BaseException) -> str:
    """The type and the innermost line of ours: where to mend it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if "shoal" in each.filename and "/tests/" not in each.filename]
    ours = [each for each in ours if "site-packages" not in each.filename] or list(frames)
    return f"{type(error).__name__} at {ours[-1].filename.rpartition('/')[2]}:{ours[-1].lineno}"
