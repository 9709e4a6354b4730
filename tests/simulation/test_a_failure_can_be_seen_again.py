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


def test_the_commands_that_are_printed_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(invariants, "AT_WRITES", (nothing_is_ever_written,))
        report = run(scenario_of(8, hours=HOURS))
        show(report, HOURS)
        make_small(report, HOURS, 0.5)
    printed = capsys.readouterr().out.splitlines()

    again, replay = (start(printed, told) for told in ("see it again: ", "replay it: "))
    with again, replay:
        last = [ran.communicate()[0].splitlines()[-1] for ran in (again, replay)]

    assert all(line.startswith("seed 8: all invariants held") for line in last)


def start(printed: list[str], told: str) -> subprocess.Popen[str]:
    """The command that was printed like this."""
    (line,) = (line for line in printed if told in line)
    command = shlex.split(line.partition(told)[2])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
