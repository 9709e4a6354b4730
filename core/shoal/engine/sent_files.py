"""Files that a person's command sends: what `shoal diff --path` has, as a Tree.

A controller never reads a path that a client names: it may run as another user. So the command
sends files, at first those of the application's folder. What a renderer then looks for and was not
sent is noted as `needed`; the command sends that too and asks again. A folder is sent whole, so
that a few rounds do. `pack` is the sending side, over any Tree; `SentTree` the receiving one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from shoal.errors import BudgetExceeded, InvalidSource
from shoal.model.artifacts import Artifact, Entry, EntryKind, Tree
from shoal.model.digests import digest_bytes, digest_parts
from shoal.model.identity import Ref
from shoal.model.trees import plain_path

REVISION = "working copy"
MOST_BYTES = 16 << 20  # in memory on both sides, once more as text on the way
MOST_FILES = 5_000


class SentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file, link (`content` is its target), folder or other thing; `path` is in the source."""

    path: str
    kind: EntryKind
    content: bytes = b""


class SentFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`files`, the folders of which they are everything, and paths at which nothing stands."""

    files: list[SentFile]
    whole: list[str]
    absent: list[str] = []


class SentTree:
    """What was sent. Implements `shoal.model.artifacts.Tree`; raises InvalidSource for nonsense."""

    def __init__(self, sent: SentFiles) -> None:
        self._missing: set[str] = set()
        self._unlisted: set[str] = set()
        self._whole = set(sent.whole)
        self._absent = set(sent.absent)
        self._contents: dict[str, bytes] = {}
        self._entries: dict[str, dict[str, Entry]] = {"": {}}
        for folder in sent.whole:
            self._place_folder(folder)
        for file in sent.files:
            self._place(file)
        self._digest = digest_parts(
            part for path in sorted(self._contents) for part in (path, self._file_digest(path))
        )

    @property
    def digest(self) -> str:
        """Equal when, and only when, what was sent is equal."""
        return self._digest

    @property
    def needed(self) -> list[str]:
        """What was looked for and was not sent: single paths first, and then folders to list.

        An error message lists what is there instead; that must not ask for a whole repository.
        """
        return sorted(self._missing or self._unlisted)

    async def entry(self, path: str) -> Entry | None:
        """What stands at a path; None also for what was not sent, which is then noted."""
        if not path:
            return Entry("", EntryKind.FOLDER, self._digest)
        above, _, name = path.rpartition("/")
        found = self._entries.get(above, {}).get(name)
        if found is None and not self._is_known(path):
            self._missing.add(path)
        return found

    async def read(self, path: str) -> bytes:
        """The content of a file, or the target of a link."""
        if path not in self._contents:
            raise FileNotFoundError(path)
        return self._contents[path]

    async def list(self, path: str) -> Sequence[Entry]:
        """The entries of a folder, sorted by name; a folder that was not sent whole is noted."""
        if path not in self._entries:
            raise FileNotFoundError(path)
        if not self._is_whole(path):
            self._unlisted.add(path)
        return sorted(self._entries[path].values())

    def _is_known(self, path: str) -> bool:
        """Whether nothing being there is certain: said so, or what stands above is known whole."""
        steps = path.split("/")
        above = ["/".join(steps[:count]) for count in range(1, len(steps) + 1)]
        return self._is_whole(path) or any(
            each in self._absent or each in self._contents for each in above
        )

    def _is_whole(self, path: str) -> bool:
        steps = path.split("/")
        return "" in self._whole or any(
            "/".join(steps[:count]) in self._whole for count in range(1, len(steps) + 1)
        )

    def _place(self, file: SentFile) -> None:
        if file.kind is EntryKind.FOLDER:
            self._place_folder(file.path)
            return
        above, _, name = plain_path(file.path).rpartition("/")
        self._place_folder(above)
        if name in self._entries[above]:
            raise InvalidSource(f"the path {file.path} was sent twice")
        self._contents[file.path] = file.content
        size = len(file.content) if file.kind is EntryKind.FILE else 0
        self._entries[above][name] = Entry(name, file.kind, self._file_digest(file.path), size)

    def _place_folder(self, path: str) -> None:
        if path in self._entries:
            return
        above, _, name = plain_path(path).rpartition("/")
        self._place_folder(above)
        if name in self._entries[above]:
            raise InvalidSource(f"the path {path} was sent as a file and as a folder")
        self._entries[path] = {}
        self._entries[above][name] = Entry(name, EntryKind.FOLDER, digest_parts((path,)))

    def _file_digest(self, path: str) -> str:
        return digest_bytes(self._contents[path])


def sent_artifact(source: Ref, tree: SentTree) -> Artifact:
    """What was sent, in place of what the source would be fetched as."""
    return Artifact(source, REVISION, tree.digest, tree)


async def pack(tree: Tree, wanted: Iterable[str]) -> SentFiles:
    """What stands at these paths of a tree, folders with all that is below.

    Raises BudgetExceeded before more is kept than a controller takes.
    """
    packing = _Packing(tree)
    for path in sorted({each.strip("/") for each in wanted}):
        await packing.add(path)
    return SentFiles(packing.files, packing.whole, packing.absent)


class _Packing:
    """What has been packed so far."""

    def __init__(self, tree: Tree) -> None:
        self.files: list[SentFile] = []
        self.whole: list[str] = []
        self.absent: list[str] = []
        self._tree = tree
        self._bytes = 0

    async def add(self, path: str) -> None:
        """One path that was asked for; one that lies in a folder that is packed is packed."""
        if any(not each or path == each or path.startswith(f"{each}/") for each in self.whole):
            return
        entry = await self._tree.entry(path)
        if entry is None:
            self.absent.append(path)
        elif entry.kind is EntryKind.FOLDER:
            self.whole.append(path)
            await self._add_folder(path)
        else:
            await self._add_file(path, entry.kind)

    async def _add_folder(self, path: str) -> None:
        for entry in await self._tree.list(path):
            below = f"{path}/{entry.name}" if path else entry.name
            if entry.kind is EntryKind.FOLDER:
                self.files.append(SentFile(below, EntryKind.FOLDER))
                await self._add_folder(below)
            else:
                await self._add_file(below, entry.kind)

    async def _add_file(self, path: str, kind: EntryKind) -> None:
        content = b"" if kind is EntryKind.OTHER else await self._tree.read(path)
        self._bytes += len(content)
        self.files.append(SentFile(path, kind, content))
        if self._bytes > MOST_BYTES or len(self.files) > MOST_FILES:
            folders = " and ".join(each or "the whole working copy" for each in self.whole)
            raise BudgetExceeded(
                f"{folders or path} is more than {MOST_BYTES >> 20} MiB or {MOST_FILES} files, "
                "the most that is sent to a controller",
                next_step="commit it to a branch and give --rev BRANCH, or keep what is no "
                "manifest in another folder",
            )
