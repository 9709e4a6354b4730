"""Plugins that do what no seam allows: raise anything, never end, swallow their end, lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import anyio

from shoal.engine import answers


class Odd:
    """An object with which nothing can be done."""

    def __repr__(self) -> str:
        raise ZeroDivisionError

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError

    __hash__ = None  # type: ignore[assignment]  # that is what is odd about it

    def __len__(self) -> int:
        raise ZeroDivisionError


class OddError(Exception):
    """It cannot even be printed."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


def nested(error: BaseException, depth: int = 50) -> BaseException:
    """A group in a group in a group."""
    for _ in range(depth):
        error = BaseExceptionGroup("again", [error])
    return error


def recursing() -> NoReturn:
    recursing()


RAISED: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError("the token is hunter2"),
    "SystemExit": lambda: SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt,
    "MemoryError": MemoryError,
    "RecursionError": RecursionError,
    "OddError": OddError,
    "StopAsyncIteration": StopAsyncIteration,
    "BaseException": BaseException,
}
"""What is raised, by the name that it is told under."""

GIVEN: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "NaN": lambda: float("nan"),
    "a text": lambda: "yes",
    "a list of odd objects": lambda: [Odd()],
    "an odd object": Odd,
    "a generator": lambda: (each for each in range(3)),
    "a class": lambda: dict,
}


async def swallow_every_end() -> NoReturn:
    """Never ends, however often it is cancelled."""
    while True:
        try:
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            continue


LONG_SECONDS = 5000.0


async def hang_shielded() -> NoReturn:
    """Hears for a long time not that it is cancelled, as if it waited for a thread."""
    with anyio.CancelScope(shield=True):
        await anyio.sleep(LONG_SECONDS)
    raise RuntimeError("nobody waits for this any more")


async def cancel_itself() -> NoReturn:
    raise asyncio.CancelledError


async def clean_up_for(seconds: float, done: list[str]) -> None:
    """Takes a while to end, as one does that stops a program."""
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(seconds)
            done.append("cleaned up")


async def raising(error: BaseException) -> NoReturn:
    raise error


async def giving(value: Any) -> Any:
    return value


async def each_of(*does: Callable[[], Any]) -> AsyncIterator[Any]:
    """An iteration of which each step does something."""
    for each in does:
        yield await each()


@asynccontextmanager
async def opening(does: Callable[[], Any]) -> AsyncIterator[Any]:
    """Does something instead of opening."""
    yield await does()


def is_number(given: Any) -> int:
    """The answer of a plugin that is asked for a number."""
    if not isinstance(given, int):
        raise answers.Nonsense("no number")
    return given
