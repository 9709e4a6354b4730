"""Turns: bounded for quick work, and not held for long by work that runs wild."""

from __future__ import annotations

import anyio
import pytest
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.lanes import Lanes


@in_virtual_time
async def test_quick_work_does_not_wait_for_slow_work() -> None:
    lanes, ended = Lanes(2, slow_at_once=4, slow_seconds=1.0), dict[str, float]()

    async def work(name: str, seconds: float) -> None:
        await lanes.run(lambda: anyio.sleep(seconds))
        ended[name] = anyio.current_time() - started

    started = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(work, f"slow-{number}", 60.0)
        await anyio.sleep(0)
        tasks.start_soon(work, "quick", 0.1)

    assert ended["quick"] == pytest.approx(2.1)  # two turns of two slow ones each
    assert ended["slow-3"] == pytest.approx(61.0)


@in_virtual_time
async def test_slow_work_is_bounded_too() -> None:
    lanes = Lanes(1, slow_at_once=2, slow_seconds=1.0)
    running, most = 0, 0

    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.sleep(10.0)
        running -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(9):
            tasks.start_soon(lanes.run, work)

    assert most == 3


@in_virtual_time
async def test_what_fails_or_is_cancelled_gives_its_turn_back() -> None:
    lanes = Lanes(1, slow_at_once=1, slow_seconds=1.0)

    async def fail() -> None:
        await anyio.sleep(2.0)
        raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await lanes.run(fail)
        with anyio.move_on_after(0.5):
            await lanes.run(anyio.sleep_forever)
        with anyio.move_on_after(5.0):
            await lanes.run(anyio.sleep_forever)

    assert await lanes.run(_answer) == "done"


async def _answer() -> str:
    return "done"
