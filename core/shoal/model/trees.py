"""A tree in memory: what a source hands over whose revisions are small, and what tests read.

A source plugin that downloads one file or one archive gives its content to `MemoryTree` and is
done: digests, folders and listings come by themselves. Its paths come from outside, so a path that
is none, or that stands where another one does, is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shoal.errors import InvalidSource
from shoal.model.artifacts import Entry, EntryKind
from shoal.model.digests import digest_bytes, digest_parts


class MemoryTree:
    """Files, links (path → target) and other things, by path; folders come by themselves.

    Raises InvalidSource for a path that is not relative and plain, or that is both a file and a
    folder.
    """

    def __init__(
        self,
        files: Mapping[str, str | bytes],
        *,
        links: Mapping[str, str] | None = None,
        others: Iterable[str] = (),
    ) -> None:
        self._contents = {
            path: content.encode() if isinstance(content, str) else content
            for path, content in files.items()
        }
        self._entries: dict[str, dict[str, Entry]] = {"": {}}
        for path, content in self._contents.items():
            self._place(path, EntryKind.FILE, digest_bytes(content), len(content))
        for path, target in (links or {}).items():
            self._contents[path] = target.encode()
            self._place(path, EntryKind.LINK, digest_bytes(target.encode()))
        for path in others:
            self._place(path, EntryKind.OTHER, digest_bytes(path.encode()))
        self._digest = self._settle("")

    @property
    def digest(self) -> str:
        """Equal when, and only when, the whole content is equal."""
        return self._digest

    async def entry(self, path: str) -> Entry | None:
        """What stands at a path."""
        if not path:
            return Entry("", EntryKind.FOLDER, self._digest)
        above, _, name = path.rpartition("/")
        return self._entries.get(above, {}).get(name)

    async def read(self, path: str) -> bytes:
        """The content of a file, or the target of a link."""
        if path not in self._contents:
            raise FileNotFoundError(path)
        return self._contents[path]

    async def list(self, path: str) -> Sequence[Entry]:
        """The entries of a folder, sorted by name."""
        if path not in self._entries:
            raise FileNotFoundError(path)
        return sorted(self._entries[path].values())

    def _place(self, path: str, kind: EntryKind, digest: str, size: int = 0) -> None:
        above, _, name = plain_path(path).rpartition("/")
        self._place_folder(above)
        if name in self._entries[above]:
            raise InvalidSource(f"the path {path[:200]!r} stands there twice")
        self._entries[above][name] = Entry(name, kind, digest, size)

    def _place_folder(self, path: str) -> None:
        if path in self._entries:
            return
        self._place(path, EntryKind.FOLDER, "")
        self._entries[path] = {}

    def _settle(self, path: str) -> str:
        """Give every folder its digest, the deepest first."""
        for name, entry in self._entries[path].items():
            if entry.kind is EntryKind.FOLDER:
                below = f"{path}/{name}" if path else name
                self._entries[path][name] = entry._replace(digest=self._settle(below))
        parts = (
            part
            for entry in sorted(self._entries[path].values())
            for part in (entry.name, entry.kind, entry.digest)
        )
        return digest_parts(parts)


def plain_path(path: str) -> str:
    """A path as trees have them, relative and plain; InvalidSource for any other."""
    if "\0" in path or any(step in ("", ".", "..") for step in path.split("/")):
        raise InvalidSource(f"{path[:200]!r} is not the path of a file in a source")
    return path
