"""What is printed of a failure can be typed: its seed line by line, and its small schedule."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from tests.simulation import invariants
from tests.simulation.__main__ import make_small
from tests.simulation.observed import Write
from tests.simulation.reporting import show
from tests.simulation.running import run
from tests.simulation.schedule import scenario_of
from tests.simulation.world import World

ROOT = Path(__file__).parents[2]
HOURS = 0.05


def nothing_is_ever_written(world: World, write: Write) -> str | None:
    return "it was"


@pytest.fixture
def printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(invariants, "AT_WRITES", (nothing_is_ever_written,))
        report = run(scenario_of(1, hours=HOURS))
        show(report, HOURS)
        make_small(report, HOURS, 2.0)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("told", ["see it again: ", "replay it: "])
def test_the_command_that_is_printed_works(told: str, printed: list[str]) -> None:
    (line,) = (line for line in printed if told in line)

    ran = subprocess.run(
        shlex.split(line.partition(told)[2]),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert ran.stdout.splitlines()[-1].startswith("seed 1: all invariants held"), ran.stderr
