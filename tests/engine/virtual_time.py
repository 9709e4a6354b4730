"""Asynchronous tests in virtual time: whenever nothing can happen, the clock jumps to what is next.

A wait of five minutes takes no time, and the order of events does not depend on the machine. It
holds as long as nothing waits for a thread, a socket or a child process; such a test belongs on a
real loop.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import ParamSpec

P = ParamSpec("P")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Jumping(selectors.SelectSelector):
    """Lets time pass instead of waiting."""

    seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found:
            return found
        assert timeout is not None, "everything waits, and nothing is left that could happen"
        self.seconds += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps."""

    def __init__(self, jumping: Jumping | None = None) -> None:
        self._jumping = jumping or Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.seconds


def now() -> datetime:
    """The virtual wall clock."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


def in_virtual_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run an asynchronous test on a loop of its own whose time is virtual."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(main())

    return run
