"""Runs what a plugin does in a task of its own, so that it can be left behind when it does not end.

A coroutine that is awaited in place holds whoever awaits it: when it swallows its cancellation, or
waits for a thread that never returns, its caller waits with it for ever. So each call is driven
from here, step by step. It is cancelled at its deadline and has some seconds to clean up; then its
caller goes on without it, and it is closed at its next step. Whatever leaves it, `SystemExit` too,
is the answer of the call and never reaches the event loop. Each step says whose it is, so that a
loop that stands still can be told by name. Used by `guarding` only.

Calls nest: what opens a session asks for its credential. A call that is ended while another is
under way inside it waits for that one's end first: closed at the same moment, the inner one would
be torn.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import anyio

from shoal.engine.stepping import Steps

T = TypeVar("T")
ENDING_SECONDS = 10.0
"""For what a plugin does when it is cancelled: a program is stopped, a thread returns."""


_MOST_NESTED = 3
"""How many times as long a call is waited for, at most, while others are under way inside it."""


@dataclass(slots=True)
class _Answer(Generic[T]):
    """What came of a call."""

    value: T


class CancelledItself(Exception):  # a sentence is made of its name
    """A call was cancelled, and not by its caller."""


class Driven(Generic[T]):
    """One call, or one stay, of a plugin; `begin` makes its task."""

    def __init__(self, what: Callable[[], Awaitable[T]], steps: Steps, name: str) -> None:
        self._what = what
        self._steps = steps
        self._name = name
        self._scope = anyio.CancelScope()
        self._answer: _Answer[T] | None = None
        self._is_given_up = False
        self._error: BaseException | None = None
        self._around = _UNDER_WAY.get()
        self._inside = 0
        self.task: asyncio.Task[None]

    def begin(self) -> None:
        """Make the task; it runs in the context of the caller, so its spans have their parent."""
        if self._around is not None:
            self._around._inside += 1
        self.task = asyncio.create_task(self._run(), name=self._name)

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.task.done()

    def answer(self) -> T:
        """What it gave; raises what it raised, and TimeoutError when it has not ended."""
        if not self.task.done():
            raise TimeoutError
        if isinstance(self._error, asyncio.CancelledError | GeneratorExit):
            raise CancelledItself from self._error
        if self._error is not None:
            raise self._error
        if self._answer is None:
            raise CancelledItself
        return self._answer.value

    async def wait(self, seconds: float) -> bool:
        """Whether it ended within this time."""
        with anyio.move_on_after(seconds):
            await asyncio.wait((self.task,))
        return self.task.done()

    async def end(self, seconds: float) -> None:
        """Cancel it, and wait no longer than this for its end, whoever cancels meanwhile.

        Longer, while it ends a call that is under way inside it.
        """
        try:
            if not self.task.done():
                self._scope.cancel()
                await self._until_ended(seconds)
        finally:
            self._is_given_up = not self.task.done()
            if self._around is not None:
                self._around._inside -= 1

    async def _until_ended(self, seconds: float) -> None:
        for _ in range(_MOST_NESTED):
            has_inner = self._inside > 0
            with anyio.move_on_after(seconds, shield=True):
                await asyncio.wait((self.task,))
            if self.task.done() or not has_inner:
                return

    async def _run(self) -> None:
        _UNDER_WAY.set(self)
        try:
            with self._scope:
                self._answer = _Answer(await self._stepped())
        except BaseException as error:  # it would end the loop, or the controller
            self._error = error

    @types.coroutine
    def _stepped(self) -> Generator[Any, None, T]:
        """The coroutine, its steps under its name; closed where it would go on after its end."""
        with self._steps.under(self._name):
            steps: Any = self._what().__await__()
        thrown: BaseException | None = None
        while True:
            with self._steps.under(self._name):
                try:
                    waits_for = next(steps) if thrown is None else steps.throw(thrown)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]  # what the coroutine returned
            thrown = None
            try:
                yield waits_for
            except BaseException as caught:
                if self._is_given_up:
                    with suppress(BaseException):  # it may swallow this, too
                        steps.close()
                    raise
                thrown = caught


_UNDER_WAY: ContextVar[Driven[Any] | None] = ContextVar("call under way", default=None)
