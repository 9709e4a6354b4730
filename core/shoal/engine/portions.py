"""Long looks at the state, in portions: whoever looks lets others have the loop in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

import anyio.lowlevel

T = TypeVar("T")


async def in_portions(many: Sequence[T], size: int) -> AsyncIterator[T]:
    """All of them; after each `size` of them the loop turns."""
    for at in range(0, len(many), size):
        for each in many[at : at + size]:
            yield each
        await anyio.lowlevel.checkpoint()
