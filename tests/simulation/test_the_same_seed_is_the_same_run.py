"""Nothing but its seed influences a run: no clock, no hash seed, no address, no order of a set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import structlog
from tests.simulation.happenings import happenings
from tests.simulation.running import run_seed
from tests.simulation.schedule import SORTS, Scenario, scenario_of

ROOT = Path(__file__).parents[2]
PROGRAM = """
from tests.simulation.running import run_seed
for seed in (8, 14, 33):
    print(run_seed(seed, 0.4).digest)
"""


def start(hash_seed: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_same_seed_is_the_same_run_in_another_process() -> None:
    with start("1") as one, start("20") as other:
        first, second = (ran.communicate()[0].split() for ran in (one, other))

    assert len(set(first)) == 3
    assert first == second


def test_a_scenario_that_was_written_down_is_the_same() -> None:
    scenario = scenario_of(7)

    assert Scenario.from_json(scenario.as_json()) == scenario


def test_every_kind_of_event_can_happen() -> None:
    assert happenings().keys() == SORTS.keys()
    chosen = {event.kind for seed in range(40) for event in scenario_of(seed).events}
    assert chosen == SORTS.keys()


def test_a_run_leaves_the_logging_of_its_process_as_it_was() -> None:
    before = structlog.get_config()

    run_seed(8, 0.1)

    assert structlog.get_config() == before
