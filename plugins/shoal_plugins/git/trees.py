"""One revision of a repository as a Tree, read from the mirror without a checkout.

Git's own digests are the tree's: a folder's is its tree id, a file's its blob id. The names are
listed once, at the first look: most revisions of most repositories are never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import anyio

from shoal.errors import InvalidSource, SourceUnavailable
from shoal.hooks.host import Host
from shoal.model.artifacts import Entry, EntryKind
from shoal_plugins.git.blobs import Blobs
from shoal_plugins.git.listings import LS_TREE, Listing
from shoal_plugins.git.running import Command, GitFailed, run_git

_LFS_POINTER = re.compile(
    rb"version https://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/[^\n]+\n"
    rb"(?:[a-z0-9.-]+ [^\n]*\n)*?oid [a-z0-9]+:[0-9a-f]+\n"
)
_MOST_LISTED_BYTES = 256 * 1024 * 1024  # some 2 million names


class GitTree:
    """The files of one git tree object; links and submodules are shown as what they are."""

    __slots__ = ("_blobs", "_digest", "_host", "_listing", "_loading")

    def __init__(self, digest: str, blobs: Blobs, host: Host) -> None:
        self._digest = digest
        self._blobs = blobs
        self._host = host
        self._listing: Listing | None = None
        self._loading = anyio.Lock()

    @property
    def digest(self) -> str:
        """The id of the tree object."""
        return self._digest

    @property
    def blobs(self) -> Blobs:
        """The mirror's contents that this tree reads from."""
        return self._blobs

    async def entry(self, path: str) -> Entry | None:
        """What stands at a path; None when nothing does."""
        if not path:  # the root is known without listing anything
            return Entry("", EntryKind.FOLDER, self._digest)
        return (await self._names()).entry(path)

    async def list(self, path: str) -> Sequence[Entry]:
        """The entries of a folder, sorted by name."""
        found = (await self._names()).folder(path)
        if found is None:
            raise FileNotFoundError(path)
        return tuple(found.values())

    async def submodules(self) -> Mapping[str, str]:
        """Path → commit, of every submodule."""
        return (await self._names()).submodules()

    async def read(self, path: str) -> bytes:
        """The content of a file, or the target of a link."""
        names = await self._names()
        entry = names.entry(path)
        if entry is None or entry.kind not in (EntryKind.FILE, EntryKind.LINK):
            raise FileNotFoundError(path)
        content = await self._blobs.read(names, path, self._host)
        if entry.kind is EntryKind.FILE and _LFS_POINTER.match(content):
            raise InvalidSource(
                f"file {path} is kept in Git LFS, of which only the pointer is in the repository",
                next_step="keep what is rendered in Git itself; LFS is not fetched",
            )
        return content

    async def _names(self) -> Listing:
        if self._listing is None:
            async with self._loading:
                if self._listing is None:
                    self._listing = await self._list_all()
        return self._listing

    async def _list_all(self) -> Listing:
        command = Command("ls-tree", LS_TREE, (self._digest,), most_bytes=_MOST_LISTED_BYTES)
        try:
            printed = await run_git(command, self._blobs.mirror, self._host)
        except GitFailed as failure:
            raise SourceUnavailable("the mirror of the repository cannot be read") from failure
        return await self._host.run_in_thread(Listing, self._digest, printed)
