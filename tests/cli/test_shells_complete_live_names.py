"""A shell completes commands, options and the names that the controller knows; and never waits."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.every_command import all_commands

from shoal.cli import completing
from shoal.cli.completion import SHELLS
from shoal.model.holds import Hold, HoldCause
from shoal.testing.views import AT, application_view, cluster_view

LIVE = {
    "application": completing.applications,
    "applications": completing.applications,
    "cluster": completing.clusters,
    "clusters": completing.clusters,
    "hold": completing.holds,
    "namespace": completing.namespaces,
}
BASH = shutil.which("bash")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def known(shoal_controller):
    """A controller with a few things in it."""
    shoal_controller.application_list = [
        application_view("web"),
        application_view("worker"),
        application_view("web", namespace="shop"),
    ]
    shoal_controller.cluster_list = [cluster_view("dev"), cluster_view("prod")]
    hold = Hold("default/web", HoldCause.REMOVING, "gone", "shoal", AT, content="x")
    shoal_controller.held = [hold]
    return shoal_controller


def completed(*words: str) -> list[str]:
    """What is offered for the last of these words, by what click knows of the commands."""
    from click.shell_completion import ShellComplete

    from shoal.cli.root import shoal

    shell = ShellComplete(shoal, {}, "shoal", "_SHOAL_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


def test_names_are_those_of_the_controller(known):
    at = ("--state", str(known.state))

    assert completed("sync", *at, "w") == ["web", "worker"]
    assert completed("sync", *at, "shop/") == ["shop/web"]
    assert completed("wait", *at, "web", "w") == ["worker"]
    assert completed("sync", *at, "web", "-c", "") == ["dev", "prod"]
    assert completed("sync", *at, "-n", "") == ["default", "shop"]
    assert completed("get", *at, "clusters", "p") == ["prod"]
    assert completed("describe", *at, "app", "wo") == ["worker"]
    assert completed("approve", *at, "") == [known.held[0].id]
    assert "clusters" in completed("get", "cl")
    assert completed("describe", "hol") == ["hold", "holds"]
    assert completed("wait", "web", "--for", "he") == ["healthy", "held"]


def test_what_was_just_told_is_not_asked_again(known, monkeypatch):
    at = ("--state", str(known.state))
    assert completed("sync", *at, "w") == ["web", "worker"]
    known.application_list = []

    at_once = completed("sync", *at, "w")
    monkeypatch.setattr(completing, "_FRESH_SECONDS", 0.0)
    later = completed("sync", *at, "w")

    assert (at_once, later) == (["web", "worker"], [])


def test_of_a_controller_that_is_silent_what_it_said_last_is_offered(known, monkeypatch):
    at = ("--state", str(known.state))
    completed("sync", *at, "w")

    def ask(path: str, state: object) -> list[str]:
        raise TimeoutError

    monkeypatch.setattr(completing, "_FRESH_SECONDS", 0.0)
    monkeypatch.setattr(completing, "_asked", ask)

    assert completed("sync", *at, "w") == ["web", "worker"]


def test_without_a_controller_nothing_is_offered_and_nothing_is_said(tmp_path, capsys):
    assert completed("sync", "--state", str(tmp_path), "w") == []
    assert capsys.readouterr() == ("", "")


def test_an_answer_that_takes_too_long_is_not_waited_for(monkeypatch):
    def ask(path: str, state: object) -> list[str]:
        time.sleep(5)
        return ["late"]

    monkeypatch.setattr(completing, "_asked", ask)
    began = time.monotonic()

    assert completed("sync", "w") == []
    assert time.monotonic() - began < 3


def test_offline_commands_complete_from_the_documents(fleet):
    assert completed("cluster", "label", "--fleet", ".", "eu") == ["eu-1"]
    assert completed("render", "--fleet", ".", "") == ["web"]
    assert completed("render", "-c", "d") == ["dev"]


def test_whatever_is_called_like_something_live_completes_it():
    forgotten = [
        f"{name} {param.name}"
        for name, command in all_commands()
        for param in command.params
        if param.name in LIVE and "local" not in name
        if LIVE[str(param.name)] is not getattr(param, "_custom_shell_complete", None)
    ]

    assert forgotten == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_asks_the_program(run, shell):
    ended = run("completion", shell)

    assert ended.code == 0
    assert f"_SHOAL_COMPLETE={shell}_complete" in ended.out


def test_the_shell_of_the_user_is_taken_when_none_is_named(run, monkeypatch):
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    fish = run("completion")
    monkeypatch.setenv("SHELL", "/bin/tcsh")

    assert "fish_complete" in fish.out
    assert run("completion").code == 2


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_bash_completes_a_live_name(known, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "shoal"
    program.write_text(f"#!{sys.executable}\nfrom shoal.cli import main\nmain()\n")
    program.chmod(0o755)
    script = (
        "source <(shoal completion bash); COMP_WORDS=(shoal sync wo); COMP_CWORD=2; "
        '_shoal_completion shoal; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "SHOAL_STATE": str(known.state),
    }

    ended = subprocess.run(
        [str(BASH), "-c", script], env=environment, capture_output=True, text=True, check=False
    )

    assert (ended.stdout, ended.stderr, ended.returncode) == ("worker\n", "", 0)


def test_commands_are_offered_those_of_plugins_too():
    assert {"sync", "cluster", "demo"} <= set(completed(""))
    assert completed("cluster", "la") == ["label"]
