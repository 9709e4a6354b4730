"""`shoal doctor`: one line for each thing that a fleet needs, and 1 when something is wrong."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.kubernetes.planes import kubeconfig_of

HEAD = "apiVersion: shoal.dev/v1alpha1\n"
AS_SOMEBODY = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")


@pytest.fixture
def folder(run, tmp_path, monkeypatch):
    """A new fleet, committed, in the current folder; its clusters are not there yet."""
    monkeypatch.setattr("shoal.composition.lending.cache_folder", lambda: tmp_path / "cache")
    folder = tmp_path / "fleet"
    assert run("init", str(folder), "--name", "acme").code == 0
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Begin")
    monkeypatch.chdir(folder)
    return folder


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *AS_SOMEBODY, *words], cwd=folder, check=True, capture_output=True)


def checks(ended) -> dict[str, dict[str, str]]:
    """The worst check of each subject."""
    order = ["Ok", "Warning", "Failed"]
    items = sorted(json.loads(ended.out)["items"], key=lambda item: order.index(item["finding"]))
    return {item["subject"]: item for item in items}


def state(tmp_path: Path) -> tuple[str, str]:
    return "--state", str(tmp_path / "state")


@pytest.mark.real
def test_a_fleet_that_is_well_is_0(run, folder, tmp_path, clusters):
    path = str(kubeconfig_of(clusters["dev"]))
    assert run("cluster", "add", "dev", "--kubeconfig", path, "-l", "env=dev").code == 0

    ended = run("doctor", *state(tmp_path), "-o", "json")

    found = checks(ended)
    assert ended.code == 0, ended
    assert {item["finding"] for item in found.values()} == {"Ok"}, found
    assert found["source default/apps"]["message"].startswith("git, at ")
    assert found["application default/hello"]["message"] == "2 objects on 1 cluster"
    assert "everything is allowed" in found["cluster dev"]["message"]
    assert "all of them well" in ended.err
    assert not (tmp_path / "state").exists()  # looking makes nothing


def test_what_is_wrong_is_1_with_the_next_steps(run, folder, tmp_path):
    (folder / "clusters" / "gone.yaml").write_text(
        f"{HEAD}kind: Cluster\nmetadata: {{name: gone, labels: {{env: dev}}}}\n"
        "spec: {access: {kubeconfig: {path: gone.kubeconfig}}}\n"
    )
    (folder / "sources" / "more.yaml").write_text(
        f"{HEAD}kind: Source\nmetadata: {{name: more}}\n"
        "spec: {git: {url: ../nowhere}}\n"
        f"---\n{HEAD}kind: Source\nmetadata: {{name: private}}\n"
        "spec: {git: {url: 'https://127.0.0.1:1/a.git', secretRef: {name: login}}}\n"
    )
    secrets = tmp_path / "secrets"
    secrets.mkdir()

    ended = run("doctor", *state(tmp_path), "--secrets", str(secrets), "-o", "json")

    found = checks(ended)
    assert ended.code == 1
    wrong = {subject for subject, item in found.items() if item["finding"] == "Failed"}
    assert wrong == {
        "secret default/login",
        "source default/more",
        "source default/private",
        "cluster gone",
    }
    assert "needed by Source default/private" in found["secret default/login"]["message"]
    assert all(found[each]["next_step"] for each in ("secret default/login", "cluster gone"))
    assert "4 wrong" in ended.err


def test_without_the_folder_of_secrets_it_is_only_not_known(run, folder, tmp_path):
    (folder / "sources" / "more.yaml").write_text(
        f"{HEAD}kind: Source\nmetadata: {{name: more}}\n"
        "spec: {git: {url: 'https://127.0.0.1:1/a.git', secretRef: {name: login}}}\n"
    )

    found = checks(run("doctor", *state(tmp_path), "-o", "json"))

    assert found["secret default/login"]["finding"] == "Warning"
    assert "--secrets DIR" in found["secret default/login"]["next_step"]


def test_lines_for_people_have_a_glyph_a_word_and_the_next_step_below(run, folder, tmp_path):
    (folder / "fleet.yaml").write_text(f"{HEAD}kind: Flet\n")

    ended = run("doctor", *state(tmp_path))

    lines = ended.out.splitlines()
    assert ended.code == 1
    assert lines[0].startswith("✔ Ok       shoal")
    (number,) = (n for n, line in enumerate(lines) if line.startswith("✖ Failed"))
    assert "fleet.yaml:2: kind" in lines[number]
    assert lines[number + 1].strip() == "next: `shoal validate .` shows all of them"


def test_without_a_fleet_the_machine_is_looked_at_alone(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    ended = run("doctor", *state(tmp_path), "-o", "json")

    assert set(checks(ended)) == {"shoal", "plugins", "git", "shoal-render-worker", "state folder"}
    assert "no fleet was looked at: give --fleet DIR" in ended.err


def test_what_is_not_given_comes_from_the_file_of_the_controller(
    run, folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "config.yaml"
    monkeypatch.setenv("SHOAL_CONFIG", str(file))
    file.write_text(f"{HEAD}kind: Configuration\nfleet: fleet\nstate: there\n")
    found = checks(run("doctor", "-o", "json"))
    file.write_text(f"{HEAD}kind: Configuration\nflet: fleet\n")
    spoilt = checks(run("doctor", *state(tmp_path), "-o", "json"))

    assert found["configuration"]["message"] == str(file)
    assert str(tmp_path / "there") in found["state folder"]["message"]
    assert found["documents"]["finding"] == "Ok"
    assert spoilt["configuration"]["finding"] == "Failed"
    assert "shoal config show" in spoilt["configuration"]["next_step"]


@pytest.mark.parametrize("format", ["table", "json", "yaml", "name", "jsonl"])
def test_without_plugins_it_is_1_in_every_format(run, tmp_path, monkeypatch, format):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shoal.composition.loading.installed_plugins", list)

    ended = run("doctor", *state(tmp_path), "-o", format)

    assert ended.code == 1
    if format == "json":
        assert json.loads(ended.out)["kind"] == "CheckList"
    elif format == "jsonl":
        assert all(yaml.safe_load(line)["kind"] == "Check" for line in ended.out.splitlines())
    elif format == "name":
        assert "check/plugins" in ended.out.splitlines()
