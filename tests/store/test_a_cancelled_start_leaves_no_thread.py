"""Whoever is cancelled while the database opens or is read leaves no thread of the driver behind.

Such a thread would answer into an event loop that is closed, which is a traceback at the end of
`shoal run` when a signal comes early.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

from shoal.store import PutOwned, open_store

TURNS = 50
EACH = 3
"""So many calls apart are the moments: of a connection, a statement and a page there are many."""


def threads_left() -> list[threading.Thread]:
    """Those of the driver that do not end: they wait for somebody who is gone."""
    found = [one for one in threading.enumerate() if "_connection_worker_thread" in one.name]
    for one in found:
        one.join(timeout=1)
    return [one for one in found if one.is_alive()]


class Canceller(logging.Handler):
    """Cancels while the driver's thread carries out its so-manieth call, and lets the loop turn."""

    def __init__(self, moment: int) -> None:
        super().__init__()
        self.moment, self.calls = moment, 0
        self.goes_on = threading.Event()

    def begin(self, scope: anyio.CancelScope) -> None:
        self.scope, self.loop = scope, asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the thread, which tells its log of each call."""
        if not record.getMessage().startswith("executing"):
            return
        self.calls += 1
        if self.calls == self.moment:
            asyncio.run_coroutine_threadsafe(self.cancel(), self.loop)
            self.goes_on.wait(timeout=60)

    async def cancel(self) -> None:
        self.scope.cancel()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self.goes_on.set()


@contextmanager
def cancelling_at(moment: int) -> Iterator[Canceller]:
    log, canceller = logging.getLogger("aiosqlite"), Canceller(moment)
    before = log.level
    log.addHandler(canceller)
    log.setLevel(logging.DEBUG)
    try:
        yield canceller
    finally:
        canceller.goes_on.set()
        log.setLevel(before)
        log.removeHandler(canceller)


async def open_and_read(folder: Path, canceller: Canceller) -> None:
    with anyio.CancelScope() as scope:
        canceller.begin(scope)
        async with open_store(folder) as store:
            await store.load()
            await store.records()


def test_at_no_call_of_the_driver(tmp_path: Path, make: Any) -> None:
    async def fill() -> None:
        async with open_store(tmp_path) as store:
            await store.write(make.append(1), PutOwned([make.owned()]))

    anyio.run(fill)
    left: dict[int, list[threading.Thread]] = {}
    for moment in itertools.count(1, step=EACH):
        with cancelling_at(moment) as canceller:
            anyio.run(open_and_read, tmp_path, canceller)
            left[moment] = threads_left()
        if canceller.calls < moment:
            break

    assert len(left) > 10
    assert not any(left.values())
