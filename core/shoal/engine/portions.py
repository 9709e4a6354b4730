"""Long looks at the state, in portions: whoever looks lets others have the loop in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

import anyio.lowlevel

T = TypeVar("T")


async def in_portions(many: Iterable[T], size: int) -> AsyncIterator[T]:
    """All of them; after each `size` of them the loop turns. `many` must bear what happens then."""
    for count, each in enumerate(many, 1):
        yield each
        if count % size == 0:
            await anyio.lowlevel.checkpoint()
