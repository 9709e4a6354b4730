"""`shoal plugin new`: the example under another name, and nothing of ours in it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from shoal.cli.ending import Ending
from shoal.cli.plugin_scaffolding import example_folder, plugin_files


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_is_the_example_under_its_own_name(run: Run, tmp_path: Path) -> None:
    ended = run("plugin", "new", "acme-chat")

    made = tmp_path / "acme-chat"
    project = tomllib.loads((made / "pyproject.toml").read_text())
    assert ended.code == Ending.OK
    assert "cd acme-chat && uv run --group test pytest" in ended.err
    assert project["project"]["name"] == "acme-chat"
    assert project["project"]["entry-points"]["shoal"] == {"acme_chat": "acme_chat"}
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["src/acme_chat"]
    assert "license" not in project["project"]
    assert "uv" not in project["tool"]
    for file in made.rglob("*.py"):
        compile(file.read_text(), file, "exec")


def test_every_module_and_test_of_the_example_comes_along() -> None:
    files = plugin_files("acme-chat")
    example = example_folder()
    expected = {
        str(file.relative_to(example)).replace("shoal_example", "acme_chat")
        for folder in ("src", "tests")
        for file in (example / folder).rglob("*.py")
    }

    assert expected <= files.keys()
    assert not [path for path, text in files.items() if "shoal_example" in text + path]
    assert not [path for path, text in files.items() if "shoal-example" in text]


def test_what_is_there_is_kept(run: Run, tmp_path: Path) -> None:
    run("plugin", "new", "acme-chat", "--into", "here")
    (tmp_path / "here" / "README.md").write_text("mine")
    ended = run("plugin", "new", "acme-chat", "--into", "here", "-o", "name")

    assert (tmp_path / "here" / "README.md").read_text() == "mine"
    assert ended.code == Ending.OK


@pytest.mark.parametrize("name", ["Acme", "acme_chat", "../acme", "shoal", "-x", "a--b", ""])
def test_what_can_be_no_distribution_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    ended = run("plugin", "new", "--", name)

    assert ended.code == Ending.USAGE
    assert list(tmp_path.iterdir()) == []
