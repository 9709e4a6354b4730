"""Schedules that once broke an invariant, as small as they could be made; none may any more.

Each file is named after what it broke. `python -m tests.simulation --replay FILE` shows one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.simulation.running import run
from tests.simulation.schedule import Scenario

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_what_was_found_stays_mended(path: Path) -> None:
    report = run(Scenario.from_json(path.read_bytes()))

    assert report.violations == ()
