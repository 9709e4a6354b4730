"""Plugins: what they register, one that is broken, two that claim one name."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from shoal.composition.allowing import read_named
from shoal.composition.loading import Plugins, load_plugins
from shoal.errors import Permanent, UnknownName
from shoal.hooks import hookimpl
from shoal.model.choice import Spec


class Thing:
    """An object that a hook hands over."""

    spec = Spec

    def __init__(self, name: str) -> None:
        self.name = name


def load(*points: EntryPoint) -> Plugins:
    """With all of them named; one that came from no distribution is called as its module."""
    return load_plugins(named=[read_named(each.module) for each in points], points=points)


@pytest.fixture
def plugin(monkeypatch):
    """Makes a module that defines hooks, and its entry point."""

    def make(name: str, **hooks: object) -> EntryPoint:
        module = ModuleType(f"made_{name}")
        for hook, given in hooks.items():
            function = (lambda value: lambda: value)(given)
            setattr(module, hook, hookimpl(function, specname=hook))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return EntryPoint(name, module.__name__, "shoal")

    return make


def test_what_a_plugin_registers_is_found_by_seam_and_name(plugin):
    made = plugin(
        "mine",
        shoal_sources=[Thing("svn")],
        shoal_access=[Thing("vpn")],
        shoal_commands={"dance": "made_mine:dance"},
    )

    plugins = load(made)

    assert list(plugins.sources) == ["svn"]
    assert plugins.seams["access"] == {"vpn": Spec}
    assert plugins.commands == {"dance": "made_mine:dance"}
    assert plugins.registration("sources", "svn").plugin == "mine"
    assert plugins.failed == ()


def test_a_plugin_that_cannot_be_imported_is_named_and_the_others_go_on(plugin):
    broken = EntryPoint("broken", "no_such_module_anywhere", "shoal")

    plugins = load(broken, plugin("fine", shoal_sources=[Thing("svn")]))

    (failed,) = plugins.failed
    assert (failed.plugin, failed.distribution) == ("broken", "no_such_module_anywhere")
    assert "ModuleNotFoundError" in failed.message
    assert list(plugins.sources) == ["svn"]


@pytest.mark.parametrize(
    "hooks",
    [
        {"shoal_sources": [Thing("a"), Thing("a")]},
        {"shoal_sources": [object()]},
        {"shoal_sources": 7},
        {"shoal_sourcse": []},
    ],
    ids=["twice", "no name", "no list", "misspelt"],
)
def test_a_plugin_whose_hooks_are_wrong_registers_nothing(plugin, hooks):
    plugins = load(plugin("odd", shoal_access=[Thing("vpn")], **hooks))

    assert [one.plugin for one in plugins.failed] == ["odd"]
    assert (plugins.access, plugins.registrations) == ({}, ())


def test_two_plugins_with_one_name_of_a_seam_are_an_error_that_names_both(plugin):
    one = plugin("one", shoal_sources=[Thing("svn")])
    two = plugin("two", shoal_sources=[Thing("svn")])

    with pytest.raises(Permanent, match="one of made_one and two of made_two"):
        load(one, two)


def test_the_same_name_at_two_seams_is_fine(plugin):
    load(plugin("p", shoal_sources=[Thing("x")], shoal_renderers=[Thing("x")]))


def test_only_the_plugins_named_are_loaded(plugin):
    points = [plugin("one", shoal_sources=[Thing("a")]), plugin("two", shoal_sources=[Thing("b")])]

    assert list(load_plugins(["two"], points=points).sources) == ["b"]
    with pytest.raises(UnknownName, match="did you mean two"):
        load_plugins(["tow"], points=points)
