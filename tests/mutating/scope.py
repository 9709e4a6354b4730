"""Which modules are mutated, which pure ones are not and why, and where the tests live.

A module is pure when nothing in it waits and it imports nothing that could: what the contract "pure
code stays pure" of pyproject.toml forbids. So a new one is mutated without being put on a list.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

TESTS = ("tests/planning", "tests/documents", "tests/model", "tests/kubernetes")
"""Of these folders, the tests that start no API server."""

FOLDERS = {
    "core/shoal/planning": "shoal.planning",
    "clusters/shoal_clusters/kubernetes": "shoal_clusters.kubernetes",
}

LEFT_OUT = {
    "shoal.planning.__init__": "a docstring",
    "shoal_clusters.kubernetes.__init__": "a docstring and the plugin's registration",
    "shoal_clusters.kubernetes.assessing": "it reads the clock; what it decides is `health`",
    "shoal_clusters.kubernetes.handing_over": "a step of what waits, tried on API servers",
    "shoal_clusters.kubernetes.memo": "what it forgets shows in time and memory alone",
    "shoal_clusters.kubernetes.tools": "what all that writes shares, tried on API servers",
}
"""Modules that are as pure as the others, and the reason why no mutant of them is made."""

ALSO = {
    "shoal_clusters.kubernetes.register": "pure but for the pauses in its long loops",
}
"""Modules that are mutated although they wait, and the reason."""

ELSEWHERE = {"shoal.model.masking": "core/shoal/model/masking.py"}
"""Modules of other folders that decide as much: what may be shown."""

_CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
(CONTRACT,) = (each for each in _CONTRACTS["contracts"] if each["name"] == "pure code stays pure")
_IMPURE = frozenset({*CONTRACT["forbidden_modules"], "kubernetes_asyncio"})


def modules() -> Mapping[str, Path]:
    """The dotted name and the file of every module that is mutated."""
    found = {
        name: path
        for name, path in all_modules().items()
        if name in ALSO or (name not in LEFT_OUT and is_pure(path.read_text()))
    }
    return found | {name: ROOT / path for name, path in ELSEWHERE.items()}


def all_modules() -> Mapping[str, Path]:
    """Every module of the folders, pure or not."""
    return {
        f"{package}.{path.stem}": path
        for folder, package in FOLDERS.items()
        for path in sorted((ROOT / folder).glob("*.py"))
    }


def is_pure(text: str) -> bool:
    """Whether nothing in a module waits, and none of its own imports could."""
    tree = ast.parse(text)
    waits = any(isinstance(node, (ast.AsyncFunctionDef, ast.Await)) for node in ast.walk(tree))
    return not waits and not {name.partition(".")[0] for name in _imported(tree)} & _IMPURE


def _imported(tree: ast.Module) -> set[str]:
    names = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names
