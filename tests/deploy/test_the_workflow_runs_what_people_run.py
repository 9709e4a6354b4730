"""The workflow for a public repository: parsed, and held against the project it is for."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml
from tests.deploy.manifests import ROOT

TEXT = (ROOT / ".github" / "workflows" / "ci.yaml").read_text()
# Every scalar as text: `on` is a boolean to YAML 1.1, and 3.10 would be a number.
WORKFLOW: dict[str, Any] = yaml.load(TEXT, yaml.BaseLoader)
JOBS: dict[str, Any] = WORKFLOW["jobs"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCAL = (ROOT / ".ci" / "run").read_text()


def steps(field: str) -> list[str]:
    return [each[field] for job in JOBS.values() for each in job["steps"] if field in each]


def test_make_has_every_target_that_is_called() -> None:
    called = {word for run in steps("run") for word in re.findall(r"\bmake ((?:[a-z-]+ ?)+)", run)}
    known = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))

    assert {target for words in called for target in words.split()} <= known


def test_all_that_is_run_before_a_push_is_run_there_too() -> None:
    assert set(re.findall(r"(?m)^make .*$", LOCAL)) <= set(steps("run"))


def test_every_python_from_the_oldest_that_is_supported_is_tested() -> None:
    versions = JOBS["test"]["strategy"]["matrix"]["python"]
    oldest = int(PROJECT["requires-python"].removeprefix(">=3."))

    assert versions == [f"3.{oldest + at}" for at in range(len(versions))]
    assert len(versions) >= 4


def test_nobody_may_write_but_who_makes_the_release() -> None:
    rights = {name: job.get("permissions", {}) for name, job in JOBS.items()}

    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert {name for name, each in rights.items() if each.get("contents") == "write"} == {"release"}
    assert all(each["with"]["persist-credentials"] == "false" for each in checkouts())


def checkouts() -> list[dict[str, Any]]:
    found = (each for job in JOBS.values() for each in job["steps"])
    return [each for each in found if each.get("uses", "").startswith("actions/checkout@")]


def test_no_text_of_a_stranger_becomes_a_command() -> None:
    assert not [run for run in steps("run") if "${{" in run]


def test_every_action_is_of_one_publisher_and_has_a_version() -> None:
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", each) for each in steps("uses"))


@pytest.mark.parametrize("name", sorted(JOBS))
def test_a_job_says_whether_it_ever_ran_and_ends_by_itself(name: str) -> None:
    assert re.search(rf"(?m)^  {name}: # (not yet run|first run 20\d\d-\d\d-\d\d)$", TEXT)
    assert 0 < int(JOBS[name]["timeout-minutes"]) <= 60


def test_a_release_waits_for_everything_else() -> None:
    assert set(JOBS["release"]["needs"]) == JOBS.keys() - {"release"}
    assert JOBS["release"]["if"] == "startsWith(github.ref, 'refs/tags/v')"
