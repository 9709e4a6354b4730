"""The one path resolver for everything that is read from a source, and what it saw.

A renderer sees an application's folder only through `GuardedFolder`. Links are followed inside the
source and refused outside, `..` may leave the application's folder but never the source, sizes and
numbers are bounded, and every look is noted (also the one that found nothing), which is what the
render memo in `rendering` verifies. Nothing else in the core resolves a path of a source.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, MutableSequence, Sequence
from dataclasses import dataclass

from shoal.errors import BudgetExceeded, UnsafePath
from shoal.model.artifacts import Entry, EntryKind, Tree

_MOST_LINKS = 40  # as the Linux kernel has it (path_resolution(7))
_LONGEST_PATH = 4096


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one render may read."""

    file_bytes: int = 16 << 20
    total_bytes: int = 64 << 20
    files: int = 10_000
    entries: int = 100_000
    depth: int = 64


DEFAULT_BUDGET = Budget()

A_FOLDER = "folder"
"""The note of a look that found a folder and asked no more of it."""


def note(entry: Entry | None) -> str:
    """What is noted of a look: equal when, and only when, the look would show the same."""
    return "" if entry is None else f"{entry.kind} {entry.digest}"


async def still_holds(tree: Tree, looks: Mapping[str, str]) -> bool:
    """Whether every look at a tree would show what was noted."""
    for path, noted in looks.items():
        entry = await tree.entry(path)
        if noted == A_FOLDER:
            if entry is None or entry.kind is not EntryKind.FOLDER:
                return False
        elif note(entry) != noted:
            return False
    return True


class GuardedFolder:
    """One folder of a tree, for one render. Implements `shoal.hooks.renderers.Folder`."""

    def __init__(self, tree: Tree, path: str, budget: Budget = DEFAULT_BUDGET) -> None:
        self._tree = tree
        self._path = path
        self._budget = budget
        self._root: tuple[str, ...] | None = None
        self._looks: dict[str, str] = {}
        self._bytes = self._files = self._entries = 0

    @property
    def looks(self) -> Mapping[str, str]:
        """Path in the source → what was seen there."""
        return self._looks

    async def root(self) -> Entry:
        """The folder itself; `name` is its path in the source, links resolved."""
        parts = await self._root_parts()
        path = "/".join(parts)
        entry = await self._tree.entry(path)
        if entry is None or entry.kind is not EntryKind.FOLDER:
            raise FileNotFoundError(self._path)
        return entry._replace(name=path)

    async def read(self, path: str) -> bytes:
        """The content of a file; FileNotFoundError when there is none."""
        found = await self._resolve(path)
        entry = await self._look(found)
        if entry is None or entry.kind is not EntryKind.FILE:
            self._looks.setdefault(found, A_FOLDER)
            raise FileNotFoundError(path)
        self._spend(path, files=1, size=entry.size)
        content = await self._tree.read(found)
        self._spend(path, size=max(0, len(content) - entry.size))
        return content

    async def list(self, path: str) -> Sequence[Entry]:
        """The entries of a folder, sorted by name.

        Links show what they lead to; one that leads nowhere, or outside, stays a link: it is
        refused when it is read, and disturbs nobody who does not read it.
        """
        found = await self._resolve(path)
        folder = await self._look(found)
        if folder is None or folder.kind is not EntryKind.FOLDER:
            raise FileNotFoundError(path)
        self._looks[found] = note(folder)
        entries = await self._tree.list(found)
        self._spend(path, entries=len(entries))
        return [await self._shown(found, entry) for entry in entries]

    async def find(self, path: str) -> Entry | None:
        """What a path leads to, its `name` being the path in the source; None: nothing there."""
        try:
            found = await self._resolve(path)
        except FileNotFoundError:
            return None
        entry = await self._look(found)
        assert entry is not None  # _walk has just seen it
        self._looks.setdefault(found, A_FOLDER)
        return entry._replace(name=found)

    async def _shown(self, folder: str, entry: Entry) -> Entry:
        if "/" in entry.name or "\0" in entry.name or entry.name in ("", ".", ".."):
            raise UnsafePath(f"folder {folder or '.'} holds an entry named {entry.name!r}")
        if entry.kind is not EntryKind.LINK:
            return entry
        start = tuple(folder.split("/")) if folder else ()
        try:
            path = await self._walk(start, entry.name)
            target = await self._look(path)
        except (UnsafePath, FileNotFoundError):
            return entry
        assert target is not None  # _walk has just seen it
        self._looks[path] = note(target)
        return target._replace(name=entry.name)

    async def _root_parts(self) -> tuple[str, ...]:
        if self._root is None:
            found = await self._walk((), self._path)
            self._root = tuple(found.split("/")) if found else ()
        return self._root

    async def _resolve(self, path: str) -> str:
        return await self._walk(await self._root_parts(), path)

    async def _walk(self, start: tuple[str, ...], path: str) -> str:
        """Where `path`, seen from the folder `start`, leads to in the source; never a link."""
        _refuse_text(path)
        done, waiting, links, culprit = list(start), deque(path.split("/")), 0, f"path {path}"
        while waiting:
            part = waiting.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                self._leave(done, culprit)
                continue
            done.append(part)
            if len(done) > self._budget.depth:
                raise BudgetExceeded(f"{path} is deeper than {self._budget.depth} folders")
            entry = await self._look("/".join(done))
            if entry is None or (entry.kind is EntryKind.FILE and waiting):
                raise FileNotFoundError(path)
            if entry.kind is EntryKind.LINK:
                links += 1
                if links > _MOST_LINKS:
                    raise UnsafePath(f"path {path} leads through more than {_MOST_LINKS} links")
                target = await self._target("/".join(done))
                culprit = f"link {'/'.join(done)} to {target[:200]!r}"
                done.pop()
                waiting.extendleft(target.split("/")[::-1])
        return "/".join(done)

    def _leave(self, done: MutableSequence[str], culprit: str) -> None:
        if not done:
            raise UnsafePath(f"{culprit} leads out of the source")
        # Where `x/..` leads depends on x being a folder, and not a link to another place.
        self._looks.setdefault("/".join(done), A_FOLDER)
        done.pop()

    async def _target(self, link: str) -> str:
        target = (await self._tree.read(link)).decode("utf-8", "backslashreplace")
        if len(target) > _LONGEST_PATH or target.startswith("/") or "\0" in target:
            raise UnsafePath(f"link {link} to {target[:200]!r} leads out of the source")
        return target

    async def _look(self, path: str) -> Entry | None:
        entry = await self._tree.entry(path)
        if entry is not None and entry.kind is EntryKind.OTHER:
            self._looks[path] = note(entry)
            raise UnsafePath(
                f"{path} is neither a file nor a folder (a submodule is not read)",
                next_step="for a submodule, set submodules: Fetch of its Git source",
            )
        if entry is None and "/" in path:
            # Nothing stands below a link either: were the folder one, this would be another look.
            self._looks.setdefault(path.rpartition("/")[0], A_FOLDER)
        if entry is None or entry.kind is not EntryKind.FOLDER:
            self._looks[path] = note(entry)
        return entry

    def _spend(self, path: str, *, files: int = 0, size: int = 0, entries: int = 0) -> None:
        budget = self._budget
        self._files += files
        self._bytes += size
        self._entries += entries
        if size > budget.file_bytes:
            raise BudgetExceeded(
                f"file {path} is larger than {_mebibytes(budget.file_bytes)}",
                next_step="keep what is no manifest out of the application's folder",
            )
        if self._bytes > budget.total_bytes:
            size_read = _mebibytes(budget.total_bytes)
            raise BudgetExceeded(f"more than {size_read} are read, up to {path}")
        if self._files > budget.files:
            raise BudgetExceeded(f"more than {budget.files} files are read, up to {path}")
        if self._entries > budget.entries:
            raise BudgetExceeded(f"more than {budget.entries} names are listed, up to {path}")


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):g} MiB"


def _refuse_text(path: str) -> None:
    if "\0" in path:
        raise UnsafePath(f"path {path!r} holds a NUL")
    if path.startswith("/"):
        raise UnsafePath(f"path {path} is absolute; paths are relative to the source")
    if len(path) > _LONGEST_PATH:
        raise BudgetExceeded(f"a path is longer than {_LONGEST_PATH} characters")
