"""`shoal init` makes the files of a fleet that is valid at once, and never overwrites one."""

import json
import re
from pathlib import Path

import pytest

from shoal.documents.scaffolding import Wanted, fleet_name, scaffold, schema_line


def test_a_new_fleet_is_valid_and_the_next_commands_are_told(run, tmp_path):
    folder = tmp_path / "My Fleet"

    made = run("init", str(folder), "-o", "json")

    assert made.code == 0
    states = {Path(item["file"]).name: item["state"] for item in json.loads(made.out)["items"]}
    assert set(states.values()) == {"Made"}
    assert {"fleet.yaml", "apps.yaml", "hello.yaml", "README.md", ".gitignore"} <= set(states)
    assert "name: my-fleet" in (folder / "fleet.yaml").read_text()
    assert run("validate", str(folder), "--strict").code == 0
    assert "shoal cluster add dev --kubeconfig FILE" in made.err
    assert "git init" in made.err


def test_the_second_time_nothing_is_overwritten(run, tmp_path):
    run("init", str(tmp_path), "--name", "acme")
    mine = "# mine\n" + (tmp_path / "fleet.yaml").read_text()
    (tmp_path / "fleet.yaml").write_text(mine)
    (tmp_path / "README.md").unlink()
    (tmp_path / ".git").mkdir()

    again = run("init", str(tmp_path), "--name", "other")

    assert again.code == 0
    assert (tmp_path / "fleet.yaml").read_text() == mine
    assert re.findall(r"(\S+) +✔ Made", again.out) == [str(tmp_path / "README.md")]
    assert "git init" not in again.err


def test_a_folder_that_holds_a_fleet_elsewhere_gets_no_second_one(run, tmp_path):
    run("init", str(tmp_path))
    (tmp_path / "fleet.yaml").rename(tmp_path / "acme.yaml")

    again = run("init", str(tmp_path))

    assert (again.code, again.out) == (3, "")
    assert "is in this folder already: acme.yaml:" in again.err
    assert not (tmp_path / "fleet.yaml").exists()


def test_a_name_that_is_none_is_refused_before_anything_is_written(run, tmp_path):
    ended = run("init", str(tmp_path / "new"), "--name", "A_B")

    assert ended.code == 2
    assert not (tmp_path / "new").exists()


def test_a_name_that_yaml_takes_for_something_else_is_quoted(run, tmp_path):
    run("init", str(tmp_path), "--name", "y")

    assert 'metadata: {name: "y"}' in (tmp_path / "fleet.yaml").read_text()
    assert run("validate", str(tmp_path), "--strict").code == 0


def test_the_first_line_leads_editors_to_the_schema(run, tmp_path):
    run("init", str(tmp_path))

    for name in ("fleet.yaml", "sources/apps.yaml", "applications/hello.yaml"):
        file = tmp_path / name
        found = re.match(r"# yaml-language-server: \$schema=(.*)\n", file.read_text())
        assert found is not None
        assert (file.parent / found[1]).resolve() == tmp_path.resolve() / ".schema/shoal.json"
    assert schema_line(Path("a.yaml"), has_schema=False) == ""


@pytest.mark.parametrize(
    ("folder", "name"),
    [("fleet", "fleet"), ("My_Fleet!", "my-fleet"), ("--", "fleet"), ("é", "fleet")],
)
def test_a_fleet_is_named_after_its_folder(folder, name):
    assert fleet_name(folder) == name


def test_whatever_the_repository_is_called_it_is_written_as_yaml():
    files = scaffold(Wanted(name="a", repository="../a b: c", branch="yes", secret="git"))

    assert 'url: "../a b: c", branch: "yes", secretRef: {name: git}' in files["sources/apps.yaml"]
