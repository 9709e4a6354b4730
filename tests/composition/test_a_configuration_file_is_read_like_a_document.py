"""The file of settings: what it may hold, and how its problems are told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shoal.composition.configuration_file import Written, find_file, fingerprint, read_file
from shoal.documents import load

HEAD = "apiVersion: shoal.dev/v1alpha1\nkind: Configuration\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def test_each_value_knows_its_line(file: Path) -> None:
    file.write_text(f"{HEAD}webhookListen: 9999\nallowExec:\n  - aws\nfleetInterval: 1m\n")

    read = read_file(file)

    assert read.problems == ()
    assert read.values == {
        "webhook_listen": Written(("127.0.0.1", 9999), 3),
        "allow_exec": Written(("aws",), 4),
        "fleet_interval": Written(timedelta(minutes=1), 6),
    }


def test_paths_start_at_the_folder_of_the_file(file: Path) -> None:
    (file.parent / "keys").mkdir()
    file.write_text(f"{HEAD}fleet: ../fleet\nstate: state\nsecrets: keys\n")

    values = {name: each.value for name, each in read_file(file).values.items()}

    assert values == {
        "fleet": f"{file.parent}/../fleet",
        "state": file.parent / "state",
        "secrets": file.parent / "keys",
    }


@pytest.mark.parametrize("fleet", ["https://git.example.org/fleet.git", "git@host:fleet.git", "/f"])
def test_a_url_and_an_absolute_path_stay_as_they_are(file: Path, fleet: str) -> None:
    file.write_text(f"{HEAD}fleet: {fleet}\n")

    assert read_file(file).values["fleet"].value == fleet


def test_all_problems_are_told_at_once_with_line_and_what_was_meant(file: Path) -> None:
    file.write_text(
        f"{HEAD}logLevl: debug\nlogFormat: jsn\nwebhookListen: nine\nfleetInterval: 10\n"
        "rendersAtOnce: 0\nplugins: ['a b']\nsecrets: nowhere\n"
    )

    told = [str(each).removeprefix(f"{file}:") for each in read_file(file).problems]

    assert [each.split(" (")[0] for each in told] == [
        "3: logLevl: unknown field",
        "4: logFormat: not a known value",
        "5: webhookListen: expected HOST:PORT or PORT",
        "6: fleetInterval: expected a duration such as 30s, 5m, 1h30m or 7d",
        "7: rendersAtOnce: should be greater than or equal to 1",
        "8: plugins[0]: expected a distribution: write NAME, NAME==VERSION or "
        "NAME==VERSION@sha256:DIGEST",
        "9: secrets: expected a folder, and there is none",
    ]
    assert "did you mean logLevel?" in told[0]
    assert "did you mean json?" in told[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "there is nothing in it (expected one document with apiVersion, kind: Configuration"),
        (f"{HEAD}---\n{HEAD}", "there is more than one document in it"),
        ("- a\n", "it is not a mapping"),
        ("a: [", "not YAML"),
        (f"{HEAD}logLevel: info\nlogLevel: debug\n", "logLevel"),
        ("fleet: /f\n", "apiVersion: required field is missing"),
        ("apiVersion: shoal.dev/v1alpha1\nkind: Fleet\n", "kind: not a known value"),
    ],
)
def test_what_is_no_configuration_is_said_to_be_none(file: Path, content: str, said: str) -> None:
    file.write_text(content)

    read = read_file(file)

    assert read.values == {}
    assert said in "\n".join(map(str, read.problems))


def test_a_file_that_is_not_there_is_a_problem_and_no_error(file: Path) -> None:
    (problem,) = read_file(file).problems

    assert str(problem).startswith(f"{file}: it cannot be read: No such file or directory")


def test_a_file_that_everybody_may_write_does_not_count(file: Path) -> None:
    file.write_text(f"{HEAD}plugins: [acme]\n")
    file.chmod(0o666)

    read = read_file(file)

    assert (read.values, read.problems[0].next_step) == ({}, f"chmod o-w {file}")


def test_the_first_default_place_that_has_a_file_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, machines = tmp_path / "user.yaml", tmp_path / "machine.yaml"
    places = "shoal.composition.configuration_file.default_places"
    monkeypatch.setattr(places, lambda: (users, machines))

    assert find_file(None) is None
    machines.touch()
    assert find_file(None) == machines
    users.touch()
    assert find_file(None) == users
    assert find_file(tmp_path / "named.yaml") == tmp_path / "named.yaml"


def test_a_default_place_that_nobody_may_look_at_is_a_problem_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / ("x" * 300) / "config.yaml"  # as a folder without rights, but for root too
    machines = tmp_path / "config.yaml"
    machines.write_text(HEAD)
    places = "shoal.composition.configuration_file.default_places"
    monkeypatch.setattr(places, lambda: (closed, machines))

    found = find_file(None)

    assert found is not None
    assert found == closed
    (problem,) = read_file(found).problems
    assert "cannot be read" in problem.message
    assert "--config or SHOAL_CONFIG" in problem.next_step


def test_a_mounted_file_is_another_one_when_its_link_was_turned(tmp_path: Path) -> None:
    """A ConfigMap is mounted as links: file → ..data → a folder for each of its states."""
    for name, content in (("first", "a"), ("second", "b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(content)
    (tmp_path / "..data").symlink_to("first")
    file = tmp_path / "config.yaml"
    file.symlink_to("..data/config.yaml")
    before = fingerprint(file)

    (tmp_path / "new").symlink_to("second")
    (tmp_path / "new").rename(tmp_path / "..data")

    assert (fingerprint(file) != before, fingerprint(tmp_path / "none")) == (True, ())


def test_in_a_fleet_it_is_said_to_belong_elsewhere() -> None:
    loaded = load({"config.yaml": HEAD.encode()}, {})

    assert "is no document of a fleet; keep it out of" in str(loaded.problems[-1])
