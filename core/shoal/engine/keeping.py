"""What a plugin does over a longer time, in a task of its own: an iteration, or a session.

An iteration makes its next item when it is asked for and not before, as if it ran in place. What is
opened is kept and closed by the task that opened it, as task groups need it. Used by `guarding`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Pump(Generic[T]):
    """One iteration: `run` belongs to its own task, `next` to whoever wants the items."""

    def __init__(self, source: Callable[[], AsyncIterator[T]]) -> None:
        self._source = source
        self._wanted = asyncio.Event()
        self._next: asyncio.Future[T] = asyncio.Future()

    async def run(self) -> None:
        """Iterate, as far as somebody asks; the iteration is closed whatever ends it."""
        items = aiter(self._source())
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
                self._next.set_result(item)
        finally:
            if isinstance(items, AsyncGenerator):
                await items.aclose()

    async def next(self, running: asyncio.Task[None], seconds: float) -> list[T]:
        """The next item; nothing once `run` has ended. Raises TimeoutError."""
        self._next = asyncio.Future()
        self._wanted.set()
        with anyio.move_on_after(seconds):
            await asyncio.wait((running, self._next), return_when=asyncio.FIRST_COMPLETED)
        if self._next.done():
            return [self._next.result()]
        if running.done():
            return []
        raise TimeoutError


class Stay(Generic[T]):
    """What is opened, kept open and closed in a task of its own; `given` holds it once it is open.

    `closing` is set when it is to be closed.
    """

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._opening = opening
        self._opened: asyncio.Future[None] = asyncio.Future()
        self.given: list[T] = []
        self.closing = asyncio.Event()

    async def run(self) -> None:
        """Open it, and close it when it is time."""
        async with self._opening() as given:
            self.given.append(given)
            self._opened.set_result(None)
            await self.closing.wait()

    async def is_open(self, running: asyncio.Task[None], seconds: float) -> bool:
        """Whether it is open within this time; it is not when `run` has ended."""
        with anyio.move_on_after(seconds):
            await asyncio.wait((running, self._opened), return_when=asyncio.FIRST_COMPLETED)
        return bool(self.given) and not running.done()
