"""The page on security: each guard names tests that are there."""

from __future__ import annotations

import pytest
from tests.docs.named_tests import ROOT, missing, named_in

PAGE = ROOT / "docs" / "operations" / "security.md"


def rows() -> list[tuple[str, str]]:
    section = PAGE.read_text().split("## Guards and their tests")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [(line.split(" | ")[0].strip("| "), line.rsplit(" | ", 1)[1]) for line in lines]


@pytest.mark.parametrize(("guard", "tests"), rows(), ids=lambda value: str(value)[:50])
def test_a_guard_is_held_by_tests_that_are_there(guard: str, tests: str) -> None:
    named = named_in(tests)

    assert named, f"no test holds: {guard}"
    assert not missing(named), f"{guard} names tests that are not there"
