"""An iteration or a session of a plugin, once open, is as much behind the border as a call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest
from tests.engine import wild
from tests.engine.virtual_time import in_virtual_time
from tests.engine.wild import is_number

from shoal.engine.driving import ENDING_SECONDS
from shoal.engine.guarding import Guard
from shoal.errors import PluginFailed, SourceUnavailable

pytestmark = pytest.mark.usefixtures("no_tracebacks")


@in_virtual_time
async def test_an_iteration_makes_its_next_item_when_it_is_asked_for() -> None:
    made: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    stream = Guard().stream("source", "git", "apps", numbers, answer=is_number)
    async with aclosing(stream) as items:
        async for number in items:
            await anyio.sleep(1)
            assert made == list(range(number + 1))
            if number == 3:
                break

    assert made == [0, 1, 2, 3]


@in_virtual_time
async def test_an_iteration_that_cannot_be_closed_is_left_behind() -> None:
    async def numbers() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            await wild.hang_shielded()

    started = anyio.current_time()
    stream = Guard().stream("source", "git", "apps", numbers, answer=is_number)
    async with aclosing(stream) as items:
        first = await anext(items)

    assert first == 1
    assert anyio.current_time() - started <= ENDING_SECONDS
    await anyio.sleep(wild.LONG_SECONDS)


@in_virtual_time
async def test_what_is_open_is_opened_and_closed_in_one_task() -> None:
    told: list[str] = []

    @asynccontextmanager
    async def session() -> AsyncIterator[int]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            yield 7
            tasks.cancel_scope.cancel()
        told.append("closed")

    async with Guard().opened(
        "target", "kube", "dev", session, seconds=5, answer=is_number
    ) as number:
        told.append(f"open {number}")

    assert told == ["open 7", "closed"]


@in_virtual_time
async def test_what_breaks_while_it_is_open_ends_the_body() -> None:
    @asynccontextmanager
    async def session() -> AsyncIterator[int]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(break_later)
            yield 7

    async def break_later() -> None:
        await anyio.sleep(3)
        raise ZeroDivisionError

    with pytest.raises(PluginFailed, match="target kube failed for dev: ZeroDivisionError"):
        async with Guard().opened("target", "kube", "dev", session, seconds=5, answer=is_number):
            await anyio.sleep_forever()

    assert anyio.current_time() == pytest.approx(3)


@in_virtual_time
async def test_what_cannot_be_closed_is_left_behind() -> None:
    @asynccontextmanager
    async def session() -> AsyncIterator[int]:
        yield 7
        await wild.hang_shielded()

    with pytest.raises(PluginFailed, match="target kube did not answer for dev within 10 s"):
        async with Guard().opened("target", "kube", "dev", session, seconds=5, answer=is_number):
            pass

    assert anyio.current_time() <= 10 + ENDING_SECONDS
    await anyio.sleep(wild.LONG_SECONDS)


@in_virtual_time
async def test_an_error_of_the_body_is_no_failure_of_the_plugin() -> None:
    closed: list[str] = []

    @asynccontextmanager
    async def session() -> AsyncIterator[int]:
        try:
            yield 7
        finally:
            closed.append("closed")

    with pytest.raises(SourceUnavailable):
        async with Guard().opened("target", "kube", "dev", session, seconds=5, answer=is_number):
            raise SourceUnavailable("gone")

    assert closed == ["closed"]
