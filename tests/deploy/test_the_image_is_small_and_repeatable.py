"""The Containerfile: what can be held against it without an engine that builds it."""

from __future__ import annotations

import re
import tomllib

from tests.deploy.manifests import DEPLOY, ROOT, instructions

IMAGE = list(instructions((DEPLOY / "Containerfile").read_text()))
RUNS = [rest for word, rest in IMAGE if word == "RUN"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_its_base_is_one_argument_with_a_tag_of_a_python_that_is_supported() -> None:
    (base,) = (rest for word, rest in IMAGE if word == "ARG")
    stages = [rest.split()[0] for word, rest in IMAGE if word == "FROM"]
    found = re.fullmatch(r"BASE=docker\.io/library/python:3\.(\d+)-slim-\w+", base)

    assert stages == ["${BASE}", "${BASE}"]
    assert found is not None
    assert int(found[1]) >= int(PROJECT["project"]["requires-python"].removeprefix(">=3."))


def test_nothing_is_fetched_but_packages_with_their_hashes_and_debians_own() -> None:
    fetching = re.compile(r"curl|wget|https?://|pip install(?! .*--(require-hashes|no-index))")

    assert not [rest for rest in RUNS if any(fetching.search(part) for part in rest.split("&&"))]
    assert not [word for word, _ in IMAGE if word == "ADD"]


def test_what_apt_leaves_behind_is_removed_in_the_same_layer() -> None:
    for rest in RUNS:
        if "apt-get install" in rest:
            assert "--no-install-recommends" in rest
            assert "rm -rf /var/lib/apt/lists/*" in rest


def test_make_has_the_targets_that_it_calls() -> None:
    called = {name for rest in RUNS for name in re.findall(r"\bmake ([a-z-]+)", rest)}
    known = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))

    assert called == {"wheel"}
    assert called <= known


def test_only_the_environment_comes_from_the_stage_that_built_it() -> None:
    last = max(at for at, (word, _) in enumerate(IMAGE) if word == "FROM")

    assert [rest for word, rest in IMAGE[last:] if word == "COPY"] == [
        "--from=build /opt/shoal /opt/shoal"
    ]


def test_what_was_built_here_and_the_history_stay_outside() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()

    assert {".git", ".venv", ".uv", "build", "dist"} <= set(ignored)
