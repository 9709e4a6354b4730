"""The page of rules: every rule is held by tests, and they are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rules.md"
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
_ROW = re.compile(r"^\| (?!rule \|)(?P<rule>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)


def rows() -> list[tuple[str, list[tuple[str, str]]]]:
    found = _ROW.finditer(PAGE.read_text())
    return [(row["rule"].strip(), _TEST.findall(row["tests"])) for row in found]


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests of a file; those that are promises of every target are shipped with the core."""
    root = ROOT / ("core" if path.startswith("shoal/") else "tests")
    tree = ast.parse((root / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def test_every_line_of_a_table_is_read_as_a_rule():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]

    assert len(rows()) == len(lines) - lines.count("| rule | held by |")


@pytest.mark.parametrize(("rule", "tests"), rows(), ids=lambda value: str(value)[:60])
def test_a_rule_is_held_by_tests_that_are_there(rule, tests):
    missing = [f"{path}::{name}" for path, name in tests if name not in names_in(path)]

    assert tests, f"no test holds: {rule}"
    assert not missing, f"{rule} names tests that are not there"
