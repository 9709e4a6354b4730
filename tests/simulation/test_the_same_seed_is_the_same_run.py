"""Nothing but its seed influences a run: no clock, no hash seed, no address, no order of a set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.simulation.happenings import happenings
from tests.simulation.schedule import SORTS, Scenario, scenario_of

ROOT = Path(__file__).parents[2]
PROGRAM = """
from tests.simulation.running import run_seed
for seed in (2, 6):
    print(run_seed(seed, 0.4).digest)
"""


def digests(hash_seed: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.split()


def test_the_same_seed_is_the_same_run_in_another_process() -> None:
    first = digests("1")

    assert len(set(first)) == 2
    assert digests("20") == first


def test_a_scenario_that_was_written_down_is_the_same() -> None:
    scenario = scenario_of(7)

    assert Scenario.from_json(scenario.as_json()) == scenario


def test_every_kind_of_event_can_happen() -> None:
    assert happenings().keys() == SORTS.keys()
    chosen = {event.kind for seed in range(40) for event in scenario_of(seed).events}
    assert chosen == SORTS.keys()
