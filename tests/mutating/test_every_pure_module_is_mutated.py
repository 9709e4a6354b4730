"""The list of mutated modules is whole: a new pure module is on it, or there is a reason."""

from __future__ import annotations

import ast
import tomllib

from tests.mutating.exclusions import EQUIVALENT
from tests.mutating.mutants import Source, unused
from tests.mutating.scope import FOLDERS, LEFT_OUT, ROOT, modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]
(PURE,) = (each for each in CONTRACTS if each["name"] == "pure code stays pure")
IMPURE = {*PURE["forbidden_modules"], "kubernetes_asyncio"}


def imported(tree: ast.Module) -> set[str]:
    names = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def is_pure(tree: ast.Module) -> bool:
    """No clock, no loop, nothing that could do I/O, neither itself nor by what it is handed."""
    waits = any(isinstance(node, (ast.AsyncFunctionDef, ast.Await)) for node in ast.walk(tree))
    return not waits and not {name.partition(".")[0] for name in imported(tree)} & IMPURE


def pure_modules() -> set[str]:
    return {
        f"{package}.{path.stem}"
        for folder, package in FOLDERS.items()
        for path in (ROOT / folder).glob("*.py")
        if is_pure(ast.parse(path.read_text()))
    }


def test_every_pure_module_is_mutated_or_left_out_for_a_reason() -> None:
    assert pure_modules() - modules().keys() - LEFT_OUT.keys() == set()


def test_every_module_of_the_contract_of_pure_code_is_mutated() -> None:
    packages = tuple(FOLDERS.values())
    named = {name for name in PURE["source_modules"] if name.startswith(packages)}

    assert named - {*packages} - modules().keys() == set()


def test_what_is_listed_exists() -> None:
    assert all(path.exists() for path in modules().values())
    assert LEFT_OUT.keys() <= pure_modules()


def test_no_module_is_both_mutated_and_left_out() -> None:
    assert not modules().keys() & LEFT_OUT.keys()


def test_every_mutant_that_was_found_equivalent_is_still_made() -> None:
    names = {each.module for each in EQUIVALENT}
    sources = [Source.read(name, path) for name, path in modules().items() if name in names]

    assert unused(sources) == []


def test_every_equivalent_mutant_has_its_reason() -> None:
    assert all(each.reason.strip() for each in EQUIVALENT)
