"""A folder of this machine as a Tree: what somebody works on, before it is committed.

`shoal render --path` reads it in place of a source. Nothing is followed here: every step of a path
is opened from the folder before it, so that a link, or a folder that becomes one meanwhile, leads
nowhere; links are shown as links, and `folders` decides where they may lead. `.git` is no part of
it, and a folder with a `.git` of its own is what Git shows as a submodule. Everything else counts,
ignored files too. Content is told apart as Git's index does, by inode, size and times.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shoal.errors import BudgetExceeded, InvalidSource
from shoal.hooks.host import ThreadRunner
from shoal.model.artifacts import Artifact, Entry, EntryKind
from shoal.model.digests import digest_parts
from shoal.model.identity import Ref

REVISION = "working copy"
_GIT = ".git"
_MOST_BYTES = 64 << 20  # as a render may read in all
_MOST_DEPTH = 64
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A named pipe must not make the open wait; it is refused once it is seen to be one.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class WorkingCopy:
    """One folder, as it is at each look. Implements `shoal.model.artifacts.Tree`."""

    def __init__(self, root: Path, run_in_thread: ThreadRunner) -> None:
        self._root = root
        self._run_in_thread = run_in_thread
        self._folders: dict[str, str] = {}

    @property
    def digest(self) -> str:
        """That of the folder's name: whoever reads it wants what is there now."""
        return digest_parts((REVISION, os.fsencode(self._root).hex()))

    async def entry(self, path: str) -> Entry | None:
        """What stands at a path, a link itself; None when nothing does."""
        return await self._run_in_thread(self._entry, path)

    async def read(self, path: str) -> bytes:
        """The content of a file, or the target of a link."""
        return await self._run_in_thread(self._read, path)

    async def list(self, path: str) -> Sequence[Entry]:
        """The entries of a folder, sorted by name."""
        return await self._run_in_thread(self._list, path)

    def _entry(self, path: str) -> Entry | None:
        if not path:
            return Entry("", EntryKind.FOLDER, self._digest_of(""))
        above, _, name = path.rpartition("/")
        try:
            with self._opened(above) as folder:
                return self._seen(folder, above, name)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _list(self, path: str) -> Sequence[Entry]:
        try:
            with self._opened(path) as folder:
                return [self._seen(folder, path, name) for name in _names(folder)]
        except NotADirectoryError as error:
            raise FileNotFoundError(path) from error

    def _read(self, path: str) -> bytes:
        above, _, name = path.rpartition("/")
        with self._opened(above) as folder:
            if stat.S_ISLNK(_stat(folder, name).st_mode):
                return os.fsencode(os.readlink(name, dir_fd=folder))
            descriptor = os.open(name, _FILE, dir_fd=folder)
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise FileNotFoundError(path)
                content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise BudgetExceeded(f"file {path} is larger than {_MOST_BYTES} bytes")
        return content

    def _seen(self, folder: int, path: str, name: str) -> Entry:
        """One name of an open folder."""
        if name == _GIT:
            raise FileNotFoundError(name)
        found = _stat(folder, name)
        if stat.S_ISDIR(found.st_mode):
            below = f"{path}/{name}" if path else name
            return Entry(name, self._kind_of(below), self._digest_of(below))
        size = found.st_size if stat.S_ISREG(found.st_mode) else 0
        return Entry(name, _kind(found), _signature(found), size)

    def _kind_of(self, path: str) -> EntryKind:
        with self._opened(path) as folder:
            return EntryKind.OTHER if _exists(folder, _GIT) else EntryKind.FOLDER

    def _digest_of(self, path: str) -> str:
        """Of all that is below; the first look counts for the rest of a command."""
        if path not in self._folders:
            with self._opened(path) as folder:
                self._folders[path] = digest_parts(_signatures(folder))
        return self._folders[path]

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        """A folder, reached step by step; NotADirectoryError where a step is none, or a link."""
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for step in path.split("/") if path else ():
                if step == _GIT:
                    raise FileNotFoundError(path)
                below = _open_folder(step, folder)
                os.close(folder)
                folder = below
            yield folder
        finally:
            os.close(folder)


async def working_copy(root: Path, source: Ref, run_in_thread: ThreadRunner) -> Artifact:
    """The folder in place of what a source would be fetched as; InvalidSource when it is none."""
    if not await run_in_thread(root.is_dir):
        raise InvalidSource(f"there is no folder {root}", next_step="give the source's folder")
    tree = WorkingCopy(root, run_in_thread)
    return Artifact(source, REVISION, tree.digest, tree)


def _open_folder(name: str, above: int) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=above)
    except OSError as error:
        if stat.S_ISDIR(_stat(above, name).st_mode):
            raise
        raise NotADirectoryError(name) from error  # ELOOP for a link, on Linux


def _names(folder: int) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name != _GIT)


def _signatures(folder: int, depth: int = 0) -> Iterator[str]:
    """Name and state of everything below an open folder."""
    if depth > _MOST_DEPTH:
        raise BudgetExceeded(f"the working copy is deeper than {_MOST_DEPTH} folders")
    for name in _names(folder):
        found = _stat(folder, name)
        yield os.fsencode(name).hex()
        yield _kind(found)
        if not stat.S_ISDIR(found.st_mode):
            yield _signature(found)
            continue
        below = _open_folder(name, folder)
        try:
            if not _exists(below, _GIT):
                yield from _signatures(below, depth + 1)
        finally:
            os.close(below)
        yield ""


def _exists(folder: int, name: str) -> bool:
    try:
        _stat(folder, name)
    except FileNotFoundError:
        return False
    return True


def _stat(folder: int, name: str) -> os.stat_result:
    return os.stat(name, dir_fd=folder, follow_symlinks=False)


def _kind(found: os.stat_result) -> EntryKind:
    if stat.S_ISLNK(found.st_mode):
        return EntryKind.LINK
    if stat.S_ISDIR(found.st_mode):
        return EntryKind.FOLDER
    return EntryKind.FILE if stat.S_ISREG(found.st_mode) else EntryKind.OTHER


def _signature(found: os.stat_result) -> str:
    times = (found.st_mtime_ns, found.st_ctime_ns)
    return digest_parts(map(str, (found.st_dev, found.st_ino, found.st_size, *times)))
