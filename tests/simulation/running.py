"""One run: a scenario, in virtual time, from the first start to the quiet at the end."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import structlog
from tests.simulation.happenings import happen
from tests.simulation.loop import SimulationLoop
from tests.simulation.schedule import Event, Scenario, scenario_of
from tests.simulation.settling import keep_looking, settle, verify_ledger
from tests.simulation.trace import Trace, Violation
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run."""

    seed: int
    cluster_hours: float
    violations: tuple[Violation, ...]
    digest: str
    counts: Mapping[str, int]
    lines: tuple[str, ...]


def run(scenario: Scenario, *, listening: bool = False) -> Report:
    """The same scenario gives the same report, in any process."""
    trace = Trace(listening)
    hours = [0.0]

    async def main(folder: Path) -> World:
        world = World(scenario, folder, trace)
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: world.break_("nothing_fails_unseen", str(context["message"]))
        )
        try:
            await _play(world)
        except Exception as error:  # whatever it is, it is a finding
            world.break_("nothing_ends_the_world", repr(error))
        hours[0] = asyncio.get_running_loop().time() / 3600 * len(scenario.clusters)
        return world

    with _silent(), tempfile.TemporaryDirectory() as folder:
        order = scenario.stream("order")
        with asyncio.Runner(loop_factory=lambda: SimulationLoop(order)) as runner:
            world = runner.run(main(Path(folder)))
    return Report(
        scenario.seed,
        hours[0],
        tuple(world.violations),
        trace.digest,
        dict(trace.counts),
        tuple(trace.everything or trace.lines),
    )


def run_seed(seed: int, hours: float) -> Report:
    """The scenario of a seed, run."""
    return run(scenario_of(seed, hours=hours))


async def _play(world: World) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.keep_running, tasks)
        async with anyio.create_task_group() as all_that_happens:
            all_that_happens.start_soon(keep_looking_until, world)
            for event in world.scenario.events:
                all_that_happens.start_soon(_at_its_time, world, event)
            await anyio.sleep(world.scenario.hours * 3600)
            all_that_happens.cancel_scope.cancel()
        await settle(world)
        await verify_ledger(world)
        tasks.cancel_scope.cancel()


async def keep_looking_until(world: World) -> None:
    """Until it is cancelled."""
    await keep_looking(world)


async def _at_its_time(world: World, event: Event) -> None:
    await anyio.sleep_until(event.at)
    await happen(world, event)


@contextmanager
def _silent() -> Iterator[None]:
    """What is logged costs a third of the time, and the trace says more."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(wrapper_class=before)
