"""The table of settings: what follows from a field, on the command line and elsewhere."""

from __future__ import annotations

import re

import click
import pytest

from shoal.cli.root import shoal
from shoal.cli.running import run
from shoal.composition.configuring import OTHER_VARIABLES, unknown_variables
from shoal.composition.settings import Entry, table

ENTRIES = list(table().values())


def option(entry: Entry) -> click.Option:
    """The option of `shoal run`, or of `shoal` itself, that gives this setting."""
    found = [each for each in (*run.params, *shoal.params) if entry.flag in each.opts]
    assert len(found) == 1, f"{entry.flag} is there {len(found)} times"
    assert isinstance(found[0], click.Option)
    return found[0]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_command_line_knows_each_setting_by_flag_and_variable(entry: Entry) -> None:
    found = option(entry)

    assert (found.name, found.envvar, found.multiple) == (entry.name, entry.variable, entry.is_list)
    assert found.help


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_each_setting_is_told_in_a_sentence(entry: Entry) -> None:
    assert re.fullmatch(r"[A-Z].*\.", entry.about), entry.about


def test_a_variable_that_is_no_setting_is_told_with_the_one_that_was_meant() -> None:
    told = unknown_variables(["SHOAL_FLEETT", "SHOAL_XYZZY", "SHOAL_STATE", "PATH", "SHOALS"])

    assert [tuple(each) for each in told] == [("SHOAL_FLEETT", "SHOAL_FLEET"), ("SHOAL_XYZZY", "")]


def test_the_variables_that_kubernetes_makes_of_a_service_are_nobodys_mistake() -> None:
    made = [
        "SHOAL_SERVICE_HOST",
        "SHOAL_SERVICE_PORT_HTTP",
        "SHOAL_PORT",
        "SHOAL_HOOKS_PORT_80_TCP",
    ]

    assert unknown_variables([*made, "SHOAL_PORT_9999_TCP_ADDR", *OTHER_VARIABLES]) == []
