"""A tree in whose place of submodules stand the trees of their repositories, as one tree.

Git's id of a folder tells which commit a submodule is at, and not whether its files are shown. So a
folder that holds a submodule has a digest of its own here, made of git's id and the digests of what
is grafted below it: what a render saw of the one can never be taken for the other. Pure but for the
trees that it reads. Made by `submodules`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shoal.model.artifacts import Entry, EntryKind, Tree
from shoal.model.digests import digest_parts
from shoal_plugins.git.blobs import Blobs
from shoal_plugins.git.trees import GitTree


class GraftedTree:
    """A git tree and, by path, what is grafted into it; no path is below another."""

    __slots__ = ("_base", "_grafts")

    def __init__(self, base: GitTree, grafts: Mapping[str, Tree]) -> None:
        self._base = base
        self._grafts = dict(sorted(grafts.items()))

    @property
    def digest(self) -> str:
        """Equal when, and only when, the tree and all that is grafted into it are."""
        return self._digest("", self._base.digest)

    @property
    def blobs(self) -> Blobs:
        """The mirror's contents that the tree around the grafts reads from."""
        return self._base.blobs

    async def entry(self, path: str) -> Entry | None:
        """What stands at a path; None when nothing does."""
        above, below = self._split(path)
        if above is None:
            found = await self._base.entry(path)
            return found and self._with_digest(path, found)
        graft = self._grafts[above]
        if not below:
            return Entry(path.rpartition("/")[2], EntryKind.FOLDER, graft.digest)
        return await graft.entry(below)

    async def list(self, path: str) -> Sequence[Entry]:
        """The entries of a folder, sorted by name."""
        above, below = self._split(path)
        if above is not None:
            return await self._grafts[above].list(below)
        start = f"{path}/" if path else ""
        entries = await self._base.list(path)
        return [self._shown(start + entry.name, entry) for entry in entries]

    async def read(self, path: str) -> bytes:
        """The content of a file, or the target of a link."""
        above, below = self._split(path)
        if above is not None:
            return await self._grafts[above].read(below)
        return await self._base.read(path)

    def _split(self, path: str) -> tuple[str | None, str]:
        """The graft that a path leads into, and the path in there."""
        for place in self._grafts:
            if path == place or path.startswith(f"{place}/"):
                return place, path[len(place) + 1 :]
        return None, path

    def _shown(self, path: str, entry: Entry) -> Entry:
        graft = self._grafts.get(path)
        if graft is not None:
            return Entry(entry.name, EntryKind.FOLDER, graft.digest)
        return self._with_digest(path, entry)

    def _with_digest(self, path: str, entry: Entry) -> Entry:
        if entry.kind is not EntryKind.FOLDER:
            return entry
        return entry._replace(digest=self._digest(path, entry.digest))

    def _digest(self, path: str, digest: str) -> str:
        start = f"{path}/" if path else ""
        below = [
            part
            for place, graft in self._grafts.items()
            if place.startswith(start)
            for part in (place[len(start) :], graft.digest)
        ]
        return digest_parts([digest, *below]) if below else digest
