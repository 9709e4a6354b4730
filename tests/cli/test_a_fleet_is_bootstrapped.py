"""`shoal bootstrap`: from an empty repository to a fleet that is committed and pushed, once."""

import json
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def author(tmp_path, monkeypatch):
    """Git knows who commits, and nothing of this machine's settings."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Ana\nemail = ana@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)


def git(folder: Path, *words: str) -> str:
    told = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return told.stdout


@pytest.fixture
def remote(tmp_path) -> Path:
    folder = tmp_path / "acme.git"
    folder.mkdir()
    git(folder, "init", "-q", "--bare", "-b", "trunk")
    return folder


def states(ended) -> set[str]:
    return {item["state"] for item in json.loads(ended.out)["items"]}


def test_an_empty_repository_becomes_a_fleet_and_the_second_time_nothing_happens(
    run, remote, tmp_path
):
    url = f"file://{remote}"

    first = run("bootstrap", url, "-o", "json")
    again = run("bootstrap", url, "-o", "json")

    assert (first.code, again.code) == (0, 0), first
    assert (states(first), states(again)) == ({"Made"}, {"Kept"})
    assert git(remote, "log", "--format=%an %s", "main") == "Ana Begin the fleet acme\n"
    assert "fleet.yaml" in git(remote, "ls-tree", "-r", "--name-only", "main")
    assert f"url: {url}, branch: main" in (tmp_path / "acme/sources/apps.yaml").read_text()
    assert run("validate", "acme", "--strict").code == 0
    assert "committed and pushed" in first.err
    assert "nothing to do: it is all there" in again.err
    assert f"shoal run --fleet {url} --fleet-branch main" in first.err


def test_a_repository_with_work_in_it_keeps_it(run, remote, tmp_path):
    git(tmp_path, "clone", "-q", str(remote), "theirs")
    (tmp_path / "theirs" / "README.md").write_text("theirs\n")
    git(tmp_path / "theirs", "add", "-A")
    git(tmp_path / "theirs", "commit", "-q", "-m", "Begin")
    git(tmp_path / "theirs", "push", "-q", "origin", "HEAD:trunk")

    ended = run("bootstrap", f"file://{remote}", "--branch", "trunk", "--into", "clone")

    assert ended.code == 0, ended
    assert git(remote, "show", "trunk:README.md") == "theirs\n"
    assert git(remote, "log", "--format=%s", "trunk").splitlines() == [
        "Begin the fleet acme",
        "Begin",
    ]


def test_a_folder_is_made_a_repository_and_only_our_files_are_committed(run, tmp_path):
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet" / "notes.txt").write_text("mine\n")

    ended = run("bootstrap", "fleet")

    assert ended.code == 0, ended
    assert "notes.txt" not in git(tmp_path / "fleet", "ls-files")
    assert git(tmp_path / "fleet", "status", "--porcelain") == "?? notes.txt\n"
    assert git(tmp_path / "fleet", "branch", "--show-current") == "main\n"
    assert ended.err.splitlines()[-1] == "  shoal run --fleet ."


def test_what_could_not_be_committed_is_committed_the_next_time(run, tmp_path):
    config = tmp_path / "gitconfig"
    known = config.read_text()
    config.write_text("[user]\nuseConfigOnly = true\n")

    refused = run("bootstrap", "fleet")
    config.write_text(known)
    again = run("bootstrap", "fleet")

    assert refused.code == 3
    assert "git config --global user.name" in refused.err
    assert (again.code, "committed" in again.err) == (0, True)


def test_a_repository_that_cannot_be_cloned_is_told_in_git_s_own_words(run, tmp_path):
    ended = run("bootstrap", f"file://{tmp_path}/nowhere.git")

    assert (ended.code, ended.out) == (3, "")
    assert "git clone failed: fatal: " in ended.err
    assert "without a terminal nothing is asked" in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("http://example.org/a.git",), "http is allowed to this machine only"),
        (("https://ana:pw@example.org/a.git",), "credentials do not belong in an address"),
        (("fleet", "--into", "there"), "--into is for a URL"),
    ],
)
def test_what_shoal_could_not_read_is_refused_before_git_is_asked(run, words, said):
    ended = run("bootstrap", *words)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "pw" not in ended.err


def test_a_folder_inside_a_repository_is_left_alone(run, tmp_path):
    git(tmp_path, "init", "-q")

    ended = run("bootstrap", "fleet")

    assert ended.code == 3
    assert "is inside the repository" in ended.err
    assert not (tmp_path / "fleet").exists()


def test_a_folder_that_is_a_clone_of_something_else_is_left_alone(run, remote, tmp_path):
    (tmp_path / "acme").mkdir()
    git(tmp_path / "acme", "init", "-q")

    ended = run("bootstrap", f"file://{remote}")

    assert ended.code == 3
    assert "is a clone of something else" in ended.err


def test_an_ssh_address_gets_the_secret_that_it_needs(run, tmp_path):
    from shoal.cli.bootstrapping import _next_steps
    from shoal.documents.scaffolding import Wanted

    wanted = Wanted(name="a", repository="git@h:a.git", secret="git")
    steps = _next_steps("git@h:a.git", Path("a"), wanted)

    assert "  put identity and known_hosts into DIR/default/git/ and DIR/shoal/git/" in steps
    assert steps[-1].endswith("--fleet-secret git --secrets DIR")
