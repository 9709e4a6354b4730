"""A tree in memory, for tests of renderers and of whatever reads a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shoal.model.artifacts import Entry, EntryKind
from shoal.model.digests import digest_bytes, digest_parts


class MemoryTree:
    """Files, links (path → target) and other things, by path; folders come by themselves."""

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
        above, _, name = path.rpartition("/")
        self._entries.setdefault(above, {})[name] = Entry(name, kind, digest, size)
        if above:
            self._entries.setdefault(above, {})
            self._place(above, EntryKind.FOLDER, "")

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
