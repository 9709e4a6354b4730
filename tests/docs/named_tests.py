"""Tests that a page names as `folder/test_file.py::test_name`, and whether they are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def named_in(text: str) -> list[tuple[str, str]]:
    """File and name of each test that is named in a text."""
    return _TEST.findall(text)


def missing(tests: list[tuple[str, str]]) -> list[str]:
    """Those of them that are not there."""
    return [f"{path}::{name}" for path, name in tests if name not in _names_in(path)]


@cache
def _names_in(path: str) -> frozenset[str]:
    """The tests of a file; those that are promises of every target are shipped with the core."""
    file = ROOT / ("core" if path.startswith("shoal/") else "tests") / path
    if not file.exists():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(file.read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))
