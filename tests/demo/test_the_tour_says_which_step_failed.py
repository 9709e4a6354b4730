"""A tour that cannot go on ends at once, names the step, and says what was seen instead."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import pytest

from shoal_clusters.demo.looking import NotSeen, expect, has
from shoal_clusters.demo.staging import PID_FILE
from shoal_clusters.demo.steps import STEPS


@pytest.mark.real
def test_a_controller_that_dies_in_the_middle_fails_the_step(start_demo: Callable) -> None:
    demo = start_demo("--play")
    demo.wait_for(STEPS[5].title)

    os.kill(int((demo.stage() / PID_FILE).read_text()), signal.SIGKILL)

    assert demo.end() == 1
    found = re.search(rf"error: step (\d+) of {len(STEPS)} does not hold: ([^\r]+)", demo.text())
    assert found is not None, demo.text()
    assert STEPS[int(found[1]) - 1].title == found[2]
    assert "expected: `shoal run` to go on" in demo.text()
    assert demo.left_behind() == []


async def test_what_was_seen_last_is_told() -> None:
    async def fact() -> str:
        return has({"spec.containers.0.image": "b"})(
            {"metadata": {"uid": "1"}, "spec": {"containers": [{"image": "a"}]}}
        )

    with pytest.raises(NotSeen, match="expected a new image; seen: has image a, not b"):
        await expect(fact, "a new image", seconds=0.1)
