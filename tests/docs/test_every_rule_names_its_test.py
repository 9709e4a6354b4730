"""The page of rules: every rule is held by tests, and they are there."""

from __future__ import annotations

import re

import pytest
from tests.docs.named_tests import ROOT, missing, named_in

PAGE = ROOT / "docs" / "development" / "rules.md"
_ROW = re.compile(r"^\| (?!rule \|)(?P<rule>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)


def rows() -> list[tuple[str, list[tuple[str, str]]]]:
    found = _ROW.finditer(PAGE.read_text())
    return [(row["rule"].strip(), named_in(row["tests"])) for row in found]


def test_every_line_of_a_table_is_read_as_a_rule():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]

    assert len(rows()) == len(lines) - lines.count("| rule | held by |")


@pytest.mark.parametrize(("rule", "tests"), rows(), ids=lambda value: str(value)[:60])
def test_a_rule_is_held_by_tests_that_are_there(rule, tests):
    assert tests, f"no test holds: {rule}"
    assert not missing(tests), f"{rule} names tests that are not there"
