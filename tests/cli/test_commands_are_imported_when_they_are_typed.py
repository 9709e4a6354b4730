"""The program answers in a moment because it imports nearly nothing; plugins bring commands."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import click
import pytest

from shoal.hooks import hookimpl

HEAVY = ("pydantic", "pluggy", "starlette", "uvicorn", "rich", "yaml", "http.client", "asyncio")


def test_version_imports_nothing_heavy():
    """A deadline in milliseconds would measure the machine; the imports are the cause of them."""
    code = (
        "import sys; from shoal.cli.ending import carry_out; carry_out(['version']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.splitlines()[-1] == "[]"


def test_the_plain_version_is_answered_before_anything_is_imported(run):
    code = (
        "import sys; sys.argv[1:] = ['version']; from shoal.cli import main; main();"
        "print([name for name in ('click', 'dataclasses', 'json') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout == f"{run('version').out}[]\n"


@pytest.fixture
def plugin(run, monkeypatch):
    """An installed plugin that brings two commands, of which one cannot be imported."""

    @click.command()
    def dance() -> int:
        """Dance a little."""
        click.echo("dancing")
        return 1

    module = ModuleType("made_dancer")
    vars(module)["dance"] = dance
    given = {
        "dance": "made_dancer:dance",
        "limp": "no_such_module:limp",
        "cluster dance": "made_dancer:dance",
        "cluster limp": "no_such_module:limp",
    }
    vars(module)["shoal_commands"] = hookimpl(lambda: given, specname="shoal_commands")
    monkeypatch.setitem(sys.modules, "made_dancer", module)
    points = [EntryPoint("dancer", "made_dancer", "shoal"), EntryPoint("bad", "nowhere", "shoal")]
    monkeypatch.setattr("shoal.composition.loading.installed_plugins", lambda: points)
    monkeypatch.setenv("SHOAL_PLUGINS", "made-dancer nowhere")


def test_a_command_of_a_plugin_runs_and_its_exit_code_counts(plugin, run):
    ended = run("dance")

    assert (ended.code, ended.out) == (1, "dancing\n")


def test_help_lists_the_commands_of_plugins_even_broken_ones(plugin, run):
    ended = run("--help")

    assert ended.code == 0
    assert "Dance a little." in ended.out
    assert "no_such_module:limp" in ended.out
    assert "plugin bad of nowhere" in ended.err


def test_a_command_of_a_plugin_stands_in_our_group_too(plugin, run):
    ended = run("cluster", "dance")
    listed = run("cluster", "--help")

    assert (ended.code, ended.out) == (1, "dancing\n")
    assert "Dance a little." in listed.out
    assert "no_such_module:limp" in listed.out
    assert run("cluster", "limp").code == 3
    assert run("cluster", "danse").code == 2


def test_a_command_that_cannot_be_imported_is_said(plugin, run):
    ended = run("limp")

    assert ended.code == 3
    assert "cannot be loaded" in ended.err
    assert "Traceback" not in ended.err


def test_an_unknown_command_is_a_usage_error(plugin, run):
    assert run("danse").code == 2


def test_plugin_list_shows_what_failed_and_is_1(plugin, run):
    ended = run("plugin", "list")

    assert ended.code == 1
    assert "✖ Failed" in ended.out
    assert "limp" in ended.out


def test_a_plugin_that_nobody_has_named_brings_no_command_and_is_listed(plugin, run, monkeypatch):
    monkeypatch.delenv("SHOAL_PLUGINS")
    listed = run("plugin", "list")
    named = run("--plugin", "made-dancer", "dance")

    assert run("dance").code == 2
    assert listed.code == 0
    assert "NotNamed" in listed.out
    assert "shoal --plugin made_dancer" in listed.out
    assert (named.code, named.out) == (1, "dancing\n")


def test_a_name_that_fits_nothing_is_said_and_nothing_is_loaded(plugin, run):
    ended = run("--plugin", "made-dancre", "plugin", "list")

    assert ended.code == 4
    assert "did you mean made-dancer?" in ended.err
    assert ended.out == ""
