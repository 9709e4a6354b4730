"""A plugin that blocks the event loop is named while it does so, and shown afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anyio
from structlog.testing import capture_logs

from shoal.composition.watching import LoopWatch
from shoal.engine.guarding import Guard

SECONDS = 0.1
GIVEN_UP_SECONDS = 30.0


def compute(until: Callable[[], object]) -> None:
    """Let nobody else have the loop, until this is so or it is given up."""
    end = time.monotonic() + GIVEN_UP_SECONDS
    while not until() and time.monotonic() < end:
        pass


async def blocked(guard: Guard) -> tuple[list[Any], list[tuple[str, float]]]:
    """Block the loop in a call of a plugin until somebody says so; what was logged and told."""
    told: list[tuple[str, float]] = []

    async def block() -> None:
        await anyio.sleep(0)
        compute(lambda: logs)

    with capture_logs() as logs:
        watch = LoopWatch(guard.steps, lambda *fact: told.append(fact), stall_seconds=SECONDS)
        with watch.running():
            await guard.ask("source", "git", "apps", block, seconds=60, answer=lambda given: given)
            with anyio.move_on_after(GIVEN_UP_SECONDS):
                while not told:
                    await anyio.sleep(SECONDS / 10)
    return logs, told


async def test_who_keeps_the_loop_from_turning_is_named_with_its_stack() -> None:
    guard = Guard(lambda seam, plugin: f"{plugin} (acme-{plugin} 1.2)")

    logs, told = await blocked(guard)

    assert told
    assert told[0][0] == "source git (acme-git 1.2) for apps"
    assert told[0][1] > SECONDS
    first = next(entry for entry in logs if entry["event"] == "the event loop stands still")
    assert first["call"] == "source git (acme-git 1.2) for apps"
    assert "in compute" in first["stack"]
    assert [entry["event"] for entry in logs].count("the event loop stands still") == 1


async def test_a_loop_that_turns_is_not_told(monkeypatch: Any) -> None:
    never: Callable[..., None] = lambda *fact: None  # noqa: E731
    with capture_logs() as logs, LoopWatch(Guard().steps, never, stall_seconds=1).running():
        await anyio.sleep(0.05)

    assert logs == []
