"""Turns of the event loop: a few per pass, in order, and at once while there is one left."""

from __future__ import annotations

import asyncio
from collections import Counter

from shoal_clusters.pacing import Pace


async def test_a_turn_that_nobody_wants_is_had_at_once():
    pace = Pace()
    passes = Passes()

    await pace.turn()

    assert passes.count == 0


async def test_each_pass_gives_its_turns_in_the_order_of_asking():
    pace = Pace(2)
    passes = Passes()
    taken: list[tuple[int, int]] = []

    async def work(number: int) -> None:
        await pace.turn()
        taken.append((number, passes.count))

    await asyncio.gather(*(work(number) for number in range(7)))

    assert [number for number, _ in taken] == [0, 1, 2, 3, 4, 5, 6]
    assert max(Counter(at for _, at in taken).values()) == 2


async def test_who_went_away_is_passed_over():
    pace = Pace(1)
    first, gone, waiting = (asyncio.ensure_future(pace.turn()) for _ in range(3))
    await asyncio.sleep(0)

    gone.cancel()
    await asyncio.wait_for(waiting, 5)

    assert first.done()
    assert gone.cancelled()


async def test_after_the_last_one_a_turn_is_free_again():
    pace = Pace(1)
    await asyncio.gather(*(pace.turn() for _ in range(3)))
    await asyncio.sleep(0)
    passes = Passes()

    await pace.turn()

    assert passes.count == 0


class Passes:
    """Counts the passes of the loop from now on."""

    def __init__(self) -> None:
        self.count = 0
        asyncio.get_running_loop().call_soon(self._pass)

    def _pass(self) -> None:
        self.count += 1
        if self.count < 100:
            asyncio.get_running_loop().call_soon(self._pass)
