"""The user's own git, with the user's own credentials: cloned, committed, pushed, and in words.

Shoal itself never writes to a repository; this is for `shoal bootstrap`, which a person types. Git
may ask that person for a password on a terminal; without one it must not ask.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from shoal.cli.progress import ticking
from shoal.errors import Permanent

if TYPE_CHECKING:
    from git import Repo

T = TypeVar("T")


def open_repository(url: str, folder: Path, branch: str) -> Repo:
    """The clone of a URL, or the repository of a folder; made when it is not there."""
    if around := next((each for each in folder.absolute().parents if (each / ".git").exists()), ""):
        raise Permanent(
            f"{folder} is inside the repository {around}",
            next_step=f"`shoal init {folder}` makes the files; name the repository in sources/",
        )
    if (folder / ".git").exists():
        repository: Repo = run("open", lambda: _repo().Repo(folder))
        if url:
            _refuse_another(repository, url, folder)
        return repository
    if url:
        with ticking(f"cloning {url}"):
            cloned: Repo = run("clone", lambda: _repo().Repo.clone_from(url, folder, env=_quiet()))
        return _on_branch(cloned, branch)
    made: Repo = run("init", lambda: _repo().Repo.init(folder, mkdir=True, initial_branch=branch))
    return made


def _on_branch(repository: Repo, branch: str) -> Repo:
    """A new repository has no branch yet, whatever its own git calls the first one."""
    if not repository.head.is_valid():
        repository.git.symbolic_ref("HEAD", f"refs/heads/{branch}")
    elif repository.active_branch.name != branch:
        run("switch", lambda: repository.git.checkout(branch))
    return repository


def _refuse_another(repository: Repo, url: str, folder: Path) -> None:
    known = [address for remote in repository.remotes for address in remote.urls]
    if url not in known:
        raise Permanent(
            f"{folder} is a clone of something else", next_step="give another folder by --into DIR"
        )


def commit(repository: Repo, files: Sequence[str], message: str) -> bool:
    """Commit those of these files that no commit has yet; whether there was any."""
    # What an earlier try added and could not commit is not untracked any more.
    added = repository.git.diff("--cached", "--name-only", "--diff-filter=A").splitlines()
    unknown = {*repository.untracked_files, *added}
    new = [name for name in files if name in unknown]
    if not new:
        return False
    repository.git.add("--", *new)
    run("commit", lambda: repository.git.commit("--quiet", "-m", message, "--", *new))
    return True


def push(repository: Repo, branch: str) -> bool:
    """Push what the remote does not have; whether there was anything."""
    head = repository.head.commit.hexsha
    git = _with_quiet(repository)
    with ticking("asking the remote"):
        known = run("ls-remote", lambda: git.ls_remote("origin", branch))
    if known.startswith(head):
        return False
    with ticking("pushing"):
        run("push", lambda: git.push("-u", "origin", f"HEAD:refs/heads/{branch}"))
    return True


def _repo() -> Any:
    """GitPython looks for git while it is imported, and raises without one."""
    try:
        import git
    except ImportError as error:
        raise Permanent("git cannot be run", next_step="install git") from error
    return git


def _quiet() -> dict[str, str]:
    """Without a terminal nobody could answer: then git and ssh must not ask."""
    if sys.stdin.isatty():
        return {}
    ssh = os.environ.get("GIT_SSH_COMMAND", "ssh")
    return {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": f"{ssh} -o BatchMode=yes"}


def _with_quiet(repository: Repo) -> Any:
    repository.git.update_environment(**_quiet())
    return repository.git


def run(what: str, work: Callable[[], T]) -> T:
    """Run one command of git; what it says is the message."""
    git = _repo()
    try:
        return work()
    except git.exc.GitCommandError as error:
        raise Permanent(
            f"git {what} failed: {_said(str(error.stderr)) or f'status {error.status}'}",
            next_step=_NEXT.get(what, "see what git itself says"),
        ) from error
    except git.exc.InvalidGitRepositoryError as error:
        raise Permanent("this folder is no repository that git can read") from error


def _said(stderr: str) -> str:
    """The line that says why; GitPython wraps all of them in `stderr: '…'`."""
    lines = [line.strip() for line in stderr.strip().removeprefix("stderr: '").splitlines()]
    told = [line.rstrip("'") for line in lines if line.strip("'")]
    why = [line for line in told if line.startswith(("fatal:", "error:"))]
    return (why or told or [""])[0]


_NEXT = {
    "clone": "your own git must be able to clone it; without a terminal nothing is asked",
    "commit": "git config --global user.name NAME, and user.email; then do it again",
    "push": "may you push to this branch? do it again when you may",
    "switch": "give a --branch that is there",
}
