"""Turns of the event loop: what is ready at once is not done at once.

A loop runs everything that is ready before it looks at the clock and at its sockets again. With
sixteen requests in flight on each of many clusters, hundreds of answers can be ready together, at
about half a millisecond each, and everything else of the process (probes, watches, a person's
command) would wait for all of them. So whoever is about to spend such a piece of work asks for a
turn first: a few are given per pass of the loop, in the order in which they were asked for. Nothing
is held while a server is waited for, so a slow cluster takes no turn from another.

One pace per process, shared by the transports of all sessions; used from one event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque

TURNS_PER_PASS = 2
"""A pass has its price: with one turn for each, a first sync took a quarter more CPU, with three a
tenth; p99 of the loop's lag was 29 and 37 ms, and 97 without any: see
docs/operations/performance.md."""


class Pace:
    """Gives a few turns per pass of the loop."""

    def __init__(self, turns_per_pass: int = TURNS_PER_PASS) -> None:
        self._turns_per_pass = turns_per_pass
        self._left = turns_per_pass
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_counting = False

    async def turn(self) -> None:
        """Wait for a turn; while this pass has one left, that is at once.

        Cancelling gives the place in the queue up.
        """
        loop = asyncio.get_running_loop()
        if not self._is_counting:
            self._is_counting = True
            loop.call_soon(self._begin_pass, loop)
        if self._left:
            self._left -= 1
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _begin_pass(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the turns of this pass to those who wait; passes without any are not counted."""
        self._left = self._turns_per_pass
        while self._waiting and self._left:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._left -= 1
        self._is_counting = self._left < self._turns_per_pass
        if self._is_counting:
            loop.call_soon(self._begin_pass, loop)
