"""Awaiting: who waits for the watch to tell of one object, for as long as patience lasts."""

from __future__ import annotations

import anyio

from shoal.model.identity import ObjectKey


class Awaiting:
    """News of single objects that somebody waits for: each is waited for by one task at a time."""

    def __init__(self) -> None:
        self._events: dict[ObjectKey, anyio.Event] = {}

    def tell(self, key: ObjectKey) -> None:
        """There is news of this object; nobody need be waiting."""
        event = self._events.get(key)
        if event is not None:
            event.set()

    async def until_told(self, key: ObjectKey, seconds: float) -> bool:
        """Wait for news that come from now on; False when there were none in time."""
        event = self._events[key] = anyio.Event()
        try:
            with anyio.move_on_after(seconds):
                await event.wait()
            return event.is_set()
        finally:
            if self._events.get(key) is event:
                del self._events[key]
