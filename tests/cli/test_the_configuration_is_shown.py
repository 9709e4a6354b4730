"""`shoal config show`: each value with where it comes from, tried out or of a controller."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

HEAD = "apiVersion: shoal.dev/v1alpha1\nkind: Configuration\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(f"{HEAD}logLevel: debug\nlogFormat: json\nallowExec: [aws, gcloud]\n")
    return file


def rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in text.splitlines()}


def test_each_value_says_where_it_comes_from(run, file, monkeypatch):
    monkeypatch.setenv("SHOAL_LOG_FORMAT", "console")

    ended = run("--plugin", "acme", "config", "show", "--config", str(file), "--fleet", "/fleet")

    shown = rows(ended.out)
    assert ended.code == 0
    assert shown["fleet"] == ["/fleet", "flag", "--fleet", "Restart"]
    assert shown["plugins"] == ["acme", "flag", "--plugin", "Restart"]
    assert shown["logFormat"] == ["console", "environment", "SHOAL_LOG_FORMAT", "Restart"]
    assert shown["logLevel"] == ["debug", f"{file}:3", "Live"]
    assert shown["allowExec"] == ["aws", "gcloud", f"{file}:5", "Live"]
    assert shown["webhookListen"] == ["-", "default", "Restart"]
    assert ended.err == f"file: {file}\n"


def test_the_file_can_be_named_by_a_variable(run, file, monkeypatch):
    monkeypatch.setenv("SHOAL_CONFIG", str(file))

    assert rows(run("config", "show").out)["logLevel"] == ["debug", f"{file}:3", "Live"]


def test_without_a_file_it_is_said_where_one_was_looked_for(run):
    assert run("config", "show").err == (
        "no file: there is neither /nowhere/of-user.yaml nor /nowhere/of-machine.yaml\n"
    )


def test_a_variable_that_nobody_reads_is_warned_of(run, monkeypatch):
    monkeypatch.setenv("SHOAL_FLEETT", "/fleet")

    assert (
        "warning: the variable SHOAL_FLEETT is not known, and nobody reads it; did you mean "
        in (run("config", "show").err)
    )


@pytest.mark.parametrize("words", [("config", "show"), ("run",)])
def test_every_problem_of_the_file_is_said_before_it_ends(run, file, words):
    file.write_text(f"{HEAD}logLevel: loud\nfleett: /fleet\n")

    ended = run(*words, "--config", str(file))

    assert (ended.code, ended.out) == (3, "")
    assert [line.split(" (")[0] for line in ended.err.splitlines()] == [
        f"{file}:3: logLevel: not a known value",
        f"{file}:4: fleett: unknown field",
        f"error: the configuration {file} cannot be used: 2 problems",
        "  next: correct what is said above; `shoal config show` tries it out",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--webhook-listen", "nine"), ("'--webhook-listen'", "expected HOST:PORT or PORT")),
        (
            ("--renders-at-once", "0"),
            ("'--renders-at-once'", "should be greater than or equal to 1"),
        ),
        (("--renders-at-once", "many"), ("'--renders-at-once'", "expected a whole number")),
        (("--fleet-interval", "10"), ("'--fleet-interval'", "expected a duration such as 30s")),
        (("--fleet-interval", "0.5s"), ("'--fleet-interval'", "expected at least 1s")),
        (("--probe-interval", "10m"), ("'--probe-interval'", "expected at most 5m")),
        (("--secrets", "/nowhere"), ("'--secrets'", "expected a folder, and there is none")),
        (("--log-level", "loud"), ("'--log-level'", "is not one of")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_flag_that_cannot_be_is_a_usage_error(run, words, said):
    ended = run("config", "show", *words)

    assert (ended.code, all(part in ended.err for part in said)) == (2, True), ended.err


def test_without_a_fleet_nothing_starts(run):
    ended = run("run")

    assert (ended.code, "set SHOAL_FLEET" in ended.err) == (3, True)


def test_a_login_in_an_address_is_not_shown(run):
    ended = run("config", "show", "--fleet", "https://li:hunter2xyz@git.example.org/f.git")

    assert "hunter2xyz" not in ended.out + ended.err


def test_what_a_controller_uses_is_asked_from_it(shoal, shoal_controller):
    ended = shoal("config", "show", "--running", "-o", "json")

    items = {each["setting"]: each for each in json.loads(ended.out)["items"]}
    assert (ended.code, items["fleet"]["value"]) == (0, "/fleet")
    assert items["state"]["value"] == str(shoal_controller.state)
    assert ended.err == "no file was read\n"


def test_plugins_that_the_file_names_count_for_every_command(run, file, monkeypatch):
    file.write_text(f"{HEAD}plugins: [acme-shoal]\n")
    monkeypatch.setenv("SHOAL_CONFIG", str(file))

    ended = run("plugin", "list")

    assert (ended.code, "the plugin acme-shoal is named" in ended.err) == (4, True)
