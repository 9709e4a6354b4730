"""The fleet's repository as one person works on it: write files, commit, push, revert.

A working copy and git itself; a push goes over HTTP to the demo's server, as it would to a forge.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from shoal.errors import SourceUnavailable

BRANCH = "main"
AUTHOR = "Demo"
_GIT_SECONDS = 60.0
_SETTINGS = {
    "user.name": AUTHOR,
    "user.email": "demo@shoal.invalid",
    "init.defaultBranch": BRANCH,
    "commit.gpgSign": "false",
    "gc.auto": "0",
    # The server is on this machine: no proxy may stand before it.
    "http.proxy": "",
}


async def create_bare(folder: Path) -> None:
    """An empty repository to be served."""
    await to_thread.run_sync(_git, folder.parent, "init", "--quiet", "--bare", str(folder))


@dataclass(frozen=True, slots=True)
class WorkingCopy:
    """A checkout whose pushes go to `url`."""

    folder: Path
    url: str

    async def begin(self, files: Mapping[str, bytes], message: str) -> str:
        """Make the first commit of these files and push it; returns the commit."""
        await to_thread.run_sync(_git, self.folder.parent, "init", "--quiet", str(self.folder))
        await self._git("remote", "add", "origin", self.url)
        return await self.commit(files, message)

    async def commit(self, changes: Mapping[str, bytes | None], message: str) -> str:
        """Write files (None removes one), commit and push; returns the commit."""
        await to_thread.run_sync(self._write, changes)
        await self._git("add", "--all")
        await self._git("commit", "--quiet", "--message", message)
        return await self._push()

    async def replace(self, path: str, old: str, new: str, message: str) -> str:
        """Replace text in one file, commit and push; returns the commit."""
        text = await self.read(path)
        assert old in text, f"{path} of the sample fleet does not hold {old}"
        return await self.commit({path: text.replace(old, new).encode()}, message)

    async def read(self, path: str) -> str:
        """The text of one file."""
        return await to_thread.run_sync((self.folder / path).read_text)

    async def revert(self, commit: str) -> str:
        """`git revert` and push; returns the new commit."""
        await self._git("revert", "--no-edit", commit)
        return await self._push()

    async def _push(self) -> str:
        await self._git("push", "--quiet", "--set-upstream", "origin", BRANCH)
        return (await self._git("rev-parse", "HEAD")).strip()

    async def _git(self, *arguments: str) -> str:
        return await to_thread.run_sync(_git, self.folder, *arguments)

    def _write(self, changes: Mapping[str, bytes | None]) -> None:
        for name, content in changes.items():
            path = self.folder / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def _git(folder: Path, *arguments: str) -> str:
    """Run git without anybody's own settings; raises SourceUnavailable with what it said."""
    finished = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_GIT_SECONDS,
        start_new_session=True,  # Ctrl-C ends the demo in order, not git in the middle
        check=False,
    )
    if finished.returncode != 0:
        said = finished.stderr.strip()
        raise SourceUnavailable(f"git {arguments[0]} of the demo's fleet failed: {said}")
    return finished.stdout


def _environment() -> dict[str, str]:
    # GIT_DIR and its like come from hooks and rebases, and would lead git somewhere else.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    variables = {
        **inherited,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
    }
    for index, (key, value) in enumerate(_SETTINGS.items()):
        variables |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return variables
