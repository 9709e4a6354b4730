"""A fleet in a local folder: read when nobody is writing to it, and never half.

A checkout, a copy or an editor changes many files one after the other, and a folder that is being
filled looks like one from which much was removed. So the folder is read only after two quiet
seconds and while no git command is at work in its working copy, which may begin further up; a file
or folder that cannot be read is an error, and not one that is missing. Time stamps may come from
another machine: one in the future is no proof of quiet, nor of the contrary.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shoal.documents.yaml_reading import LIMITS
from shoal.engine.fleet import SUFFIXES, FleetFiles
from shoal.errors import SourceUnavailable
from shoal.hooks.host import ThreadRunner
from shoal.model.digests import digest_bytes, digest_parts

# A checkout or an editor writes many files one after the other; two quiet seconds mean it is done.
SETTLE = timedelta(seconds=2)
# No checkout of a fleet takes so long; a lock that a killed git left behind stays for ever.
PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Glance:
    """What a folder looks like without reading a file. `newest` is its latest change, in seconds.

    `lock` is that of a git command that is at work in it.
    """

    signature: str
    newest: float
    lock: Path | None


class FolderReader:
    """A fleet in a local folder."""

    def __init__(
        self,
        root: Path,
        run_in_thread: ThreadRunner,
        *,
        settle: timedelta = SETTLE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._run_in_thread = run_in_thread
        self._settle_seconds = settle.total_seconds()
        self._monotonic = monotonic
        self._read_signature = ""
        self._seen: tuple[str, float] = ("", 0.0)  # as it is, and since when it was seen so
        self._restless_since: float | None = None

    @property
    def location(self) -> str:
        """The folder."""
        return str(self._root)

    async def read(self, previous: FleetFiles | None) -> FleetFiles | None:
        """Read the folder when it changed and has settled."""
        try:
            files = await self._read(previous)
        except FileNotFoundError as error:
            if await self._run_in_thread(_is_link_to_nowhere, error):
                raise self._unreadable(error) from error
            files = None
        except OSError as error:
            raise self._unreadable(error) from error
        if files is not None:
            self._restless_since = None
        return files

    async def _read(self, previous: FleetFiles | None) -> FleetFiles | None:
        glance = await self._run_in_thread(self._look)
        if previous is not None and glance.signature == self._read_signature:
            return previous
        if not self._is_settled(glance):
            self._complain(glance)
            return None
        files = await self._run_in_thread(self._read_all)
        after = await self._run_in_thread(self._look)
        if after.signature != glance.signature or after.lock is not None:
            return None
        self._read_signature = glance.signature
        digest = digest_parts(f"{path}:{digest_bytes(body)}" for path, body in files.items())
        if previous is not None and previous.digest == digest:
            return previous
        return FleetFiles(f"folder:{digest[:12]}", digest, files)

    def _is_settled(self, glance: _Glance) -> bool:
        """Whether nothing changed for a while: by the time stamps, or by what was seen."""
        now = self._monotonic()
        if self._seen[0] != glance.signature:
            self._seen = (glance.signature, now)
        is_old = time.time() - glance.newest >= self._settle_seconds
        was_seen_so = now - self._seen[1] >= self._settle_seconds
        return glance.lock is None and (is_old or was_seen_so)

    def _complain(self, glance: _Glance) -> None:
        """Raise when it has been changing for longer than any checkout takes."""
        now = self._monotonic()
        if self._restless_since is None:
            self._restless_since = now
        seconds = now - self._restless_since
        if seconds < PATIENCE.total_seconds():
            return
        if glance.lock is not None:
            raise SourceUnavailable(
                f"the fleet folder {self._root} changed and is not read: a git command has been at "
                f"work in it for {seconds:.0f} s",
                next_step=f"if none is running, remove {glance.lock}",
            )
        raise SourceUnavailable(
            f"the fleet folder {self._root} is not read: it has been changing for {seconds:.0f} s",
            next_step="see who is writing to it",
        )

    def _unreadable(self, error: OSError) -> SourceUnavailable:
        what = error.filename or self._root
        return SourceUnavailable(
            f"the fleet folder {self._root} cannot be read: {what}: {error.strerror}",
            next_step="see who is changing it, and its permissions",
        )

    def _look(self) -> _Glance:
        if not self._root.is_dir():
            raise SourceUnavailable(
                f"the fleet folder {self._root} does not exist",
                next_step="create it, mount it, or start with another --fleet",
            )
        states = [(path, path.stat()) for path in self._walk()]
        signature = digest_parts(
            f"{path}:{its.st_ino}:{its.st_mtime_ns}:{its.st_size}" for path, its in states
        )
        newest = max(its.st_mtime for _, its in states)
        return _Glance(signature, newest, lock_of(self._root))

    def _walk(self) -> Iterator[Path]:
        """The folders, in which a removal shows, and the files that may hold documents."""
        for folder, subfolders, names in os.walk(self._root, onerror=_raise):
            yield Path(folder)
            subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
            yield from (Path(folder, name) for name in sorted(names) if name.endswith(SUFFIXES))

    def _read_all(self) -> dict[str, bytes]:
        files = (path for path in self._walk() if path.name.endswith(SUFFIXES))
        return {
            str(path.relative_to(self._root)): _content(path) for path in files if not path.is_dir()
        }


def lock_of(folder: Path) -> Path | None:
    """The lock that git has while it changes the working copy that a folder lies in."""
    folder = folder.resolve()
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        if git.is_file():  # a linked worktree or a submodule: its index lies elsewhere
            said = git.read_text(errors="replace").strip().removeprefix("gitdir:").strip()
            git = parent / said
        if git.is_dir():
            lock = git / "index.lock"
            return lock if lock.exists() else None
    return None


def _content(path: Path) -> bytes:
    """A file, and of one that is too large only so much that its size is what is told of it.

    A pipe or a device, perhaps behind a link of a working copy, might never end.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is neither a file nor a folder", str(path))
    with path.open("rb") as file:
        return file.read(LIMITS.bytes + 1)


def _is_link_to_nowhere(error: FileNotFoundError) -> bool:
    """Or else it is something that went away while it was looked at."""
    return os.path.islink(error.filename)


def _raise(error: OSError) -> None:
    """What cannot be listed is not empty: `os.walk` would leave it out."""
    raise error
