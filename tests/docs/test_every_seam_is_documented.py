"""Every hook and every method of a seam says when it is called and what it raises."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from docs.reference.generate import FOLDER

from shoal import hooks
from shoal.hooks import specs

PAGE = (FOLDER / "hooks.md").read_text()
MODULES = [
    import_module(f"{hooks.__name__}.{found.name}")
    for found in pkgutil.iter_modules(hooks.__path__)
]
NOUNS = [
    noun
    for module in MODULES
    for noun in vars(module).values()
    if inspect.isclass(noun) and noun.__module__ == module.__name__
]
LENT = {"Folder", "ClusterFacts", "Judge", "Secrets", "ThreadRunner", "AtEnd", "Http"}
"""Protocols of what a plugin is given; all others are what it gives."""
WHEN = re.compile(r"\b([Cc]alled|[Aa]sked|[Tt]old|[Cc]onsumed)\b")
RAISES = re.compile(r"\braises?\b", re.IGNORECASE)
HOOKS = {name: hook for name, hook in vars(specs).items() if name.startswith("shoal_")}
SUITES = {
    "shoal_access": "access",
    "shoal_gates": "gate",
    "shoal_health_checks": "health",
    "shoal_notifiers": "notifier",
    "shoal_renderers": "renderer",
    "shoal_sources": "source",
    "shoal_targets": "target",
}
WITHOUT_A_SUITE = {"shoal_commands", "shoal_programs"}
"""They hand over names and descriptions, which are looked at when they are loaded."""


def methods(noun: type[Any]) -> Iterator[tuple[str, Any]]:
    for name, function in vars(noun).items():
        if inspect.isfunction(function) and (not name.startswith("_") or name == "__call__"):
            yield name, function


def given_by_plugins() -> list[tuple[str, str]]:
    protocols = [noun for noun in NOUNS if getattr(noun, "_is_protocol", False)]
    return [
        (noun.__name__, name)
        for noun in protocols
        if noun.__name__ not in LENT
        for name, _ in methods(noun)
    ]


def of(noun: str) -> type[Any]:
    return next(each for each in NOUNS if each.__name__ == noun)


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_a_hook_says_what_it_hands_over_and_when_it_is_called(name: str) -> None:
    told = inspect.getdoc(HOOKS[name]) or ""

    assert "Called once" in told
    assert f"## {name}\n\n{told}\n" in PAGE


@pytest.mark.parametrize(("noun", "method"), given_by_plugins())
def test_a_method_of_a_seam_says_when_it_is_called_and_what_it_raises(
    noun: str, method: str
) -> None:
    told = inspect.getdoc(vars(of(noun))[method]) or ""

    assert WHEN.search(told), f"{noun}.{method} does not say when it is called"
    assert RAISES.search(f"{told} {inspect.getdoc(of(noun))}"), f"{noun}.{method}: what it raises"


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_every_noun_and_every_method_stands_in_the_reference(noun: type[Any]) -> None:
    assert f"## {noun.__name__}\n\n{inspect.getdoc(noun)}\n" in PAGE
    for name, function in methods(noun):
        assert f"### {noun.__name__}.{name}\n" in PAGE
        assert f"{inspect.getdoc(function)}\n" in PAGE


@pytest.mark.parametrize("name", sorted(HOOKS.keys() - WITHOUT_A_SUITE))
def test_every_seam_has_a_suite_that_authors_are_told_of(name: str) -> None:
    suite = f"{SUITES[name]}_conformance"
    package, module = import_module("shoal.testing"), import_module(f"shoal.testing.{suite}")

    assert f"`{suite}`" in (inspect.getdoc(package) or "")
    assert f"class TestMine({SUITES[name].title()}Conformance)" in (inspect.getdoc(module) or "")
