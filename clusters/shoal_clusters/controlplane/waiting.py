"""Waits for a fact about another process, with a deadline.

The programs of a control plane tell nobody when they are ready or gone; they can only be asked.
This is the one place that asks again and again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

_POLL_SECONDS = 0.05  # a start takes five seconds, so asking twenty times a second loses nothing


async def wait_until(fact: Callable[[], Awaitable[bool]], *, seconds: float) -> bool:
    """Ask until `fact` holds; False when it did not within `seconds`."""
    with anyio.move_on_after(seconds):
        while not await fact():  # noqa: ASYNC110 - nothing would set an event
            await anyio.sleep(_POLL_SECONDS)
        return True
    return False
