"""The tool on a module of a few lines: killed, survived, unreached, timed out, excluded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = "tests.mutating.sample.shelf"
RUN = """
import sys
from pathlib import Path
from tests.mutating.__main__ import mutate
name, tests, output, least = sys.argv[1:]
chosen = {name: Path(name.replace(".", "/") + ".py").resolve()}
sys.exit(mutate(chosen, (tests,), 2, Path(output), float(least)))
"""


def run(tests: str, output: Path, *, least: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, SAMPLE, tests, str(output), str(least)],
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutating")
    done = run("tests/mutating/sample/shelf_tests.py", folder, least=99)

    assert done.returncode == 1, done.stdout + done.stderr  # for the score is below the least
    return folder


@pytest.fixture(scope="module")
def told(output: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((output / "mutate.json").read_text())
    return told


def outcome(told: dict[str, Any], before: str, after: str) -> str:
    known = {(each["before"], each["after"]): each["outcome"] for each in told["survivors"]}
    return known.get((before, after), "killed")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("books >= FEWEST", "books > FEWEST", "killed"),
        ("3", "4", "killed"),
        ("'cellar'", "'cellar~'", "killed"),
        ("FEWEST * 4", "FEWEST // 4", "killed"),
        ("'attic'", "'attic~'", "killed"),
        ("7", "8", "survived"),
        ("books += 1", "books -= 1", "killed"),
        ("books -= 1", "books += 1", "timed out"),
        ("books + 1", "books - 1", "unreached"),
    ],
)
def test_a_mutant_has_the_outcome_of_its_tests(
    told: dict[str, Any], before: str, after: str, expected: str
) -> None:
    assert outcome(told, before, after) == expected


def test_only_killed_mutants_count_for_the_score(told: dict[str, Any]) -> None:
    (count,) = told["modules"].values()

    assert told["is_whole"]
    assert set(count) == {"killed", "survived", "unreached", "timed out"}
    assert told["score"] == count["killed"] / sum(count.values()) < 1


def test_what_is_not_judged_is_counted_by_its_reason(told: dict[str, Any]) -> None:
    reasons = [reason for reason in told["excluded"] if reason.startswith("a sentence for people")]

    assert len(reasons) == 1
    assert told["excluded"]["documentation"] == 1


def test_survivors_are_listed_to_be_read(output: Path) -> None:
    text = (output / "mutate-survivors.txt").read_text()

    assert "shelf.py:6 at import: survived\n  - 7\n  + 8\n" in text
    assert "shelf.py:26 unread: unreached\n" in text


def test_tests_that_fail_by_themselves_are_told_before_any_mutant(tmp_path: Path) -> None:
    failing = tmp_path / "failing_tests.py"
    failing.write_text("def test_it() -> None:\n    raise SystemError\n")

    done = run(str(failing), tmp_path, least=1)

    assert done.returncode == 2
    assert "error: " in done.stdout
    assert "failing_tests.py::test_it" in done.stdout
    assert not (tmp_path / "mutate.json").exists()
