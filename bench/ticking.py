"""The floor of the loop's lag: an event loop that does nothing else, on the same busy machine.

`python -m bench.ticking FILE` ticks as `instrumented` does until SIGTERM, then writes its lags: all
that the operating system took, for other processes on the same cores.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson

TICK_SECONDS = 0.005


async def tick(note: Callable[[float, float], None]) -> None:
    """Sleep on and on for a tick, and note how much later than asked it ended; never ends."""
    while True:
        due = time.monotonic() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        note(time.time(), max(0.0, time.monotonic() - due))


async def _tick_until_terminated() -> list[tuple[float, float]]:
    lags: list[tuple[float, float]] = []
    ticking = asyncio.create_task(tick(lambda at, lag: lags.append((at, lag))))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ticking.cancel)
    await asyncio.wait([ticking])
    return lags


if __name__ == "__main__":
    found = asyncio.run(_tick_until_terminated())
    Path(sys.argv[1]).write_bytes(orjson.dumps({"lags": found}))
