"""File contents of a mirror, read in batches and remembered for a short while.

One `git cat-file` costs 3 ms, whatever it reads; so a look at a file also brings the files that
follow it in the order of a walk, up to a window. The window grows while what it brought is read, as
when a thousand small applications of one repository are rendered, and is small again when it was
not, and for another revision, of which little may be new. What was read is remembered only as long
as somebody may read it once more: who renders it keeps what came of it. No process stays behind.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio

from shoal.errors import SourceUnavailable
from shoal.hooks.host import Host
from shoal.model.artifacts import Entry
from shoal_plugins.git.listings import Listing
from shoal_plugins.git.running import Command, GitFailed, run_git

_MEBIBYTE = 1024 * 1024
_HEAD = re.compile(rb"(?P<digest>[0-9a-f]{40,64}) blob (?P<size>[0-9]{1,18})\n")
LARGEST_WINDOW = 4 * _MEBIBYTE  # read through the pipe in about 10 ms
SMALLEST_WINDOW = 64 * 1024  # some hundred manifests: more than most applications have
RECENT_BYTES = 128 * 1024
_LARGEST_KEPT = _MEBIBYTE


class Blobs:
    """The contents of one mirror's files, by digest; used from one event loop."""

    def __init__(self, mirror: Path) -> None:
        self.mirror = mirror
        self._ahead = _Contents()
        self._recent = _Contents()
        self._window = 0
        self._brought_bytes = 0
        self._revision = ""
        self._reading = anyio.Lock()

    async def read(self, listing: Listing, path: str, host: Host) -> bytes:
        """The content of the file or link at a path that the listing holds."""
        entry = listing.entry(path)
        if entry is None:
            raise FileNotFoundError(path)
        found = self._remembered(entry.digest)
        if found is None:
            async with self._reading:
                found = self._remembered(entry.digest)
                if found is None:
                    found = await self._read_ahead(listing, path, entry, host)
        self._keep_recent(entry.digest, found)
        return found

    def _remembered(self, digest: str) -> bytes | None:
        found = self._ahead.take(digest)
        return self._recent.take(digest) if found is None else found

    def _keep_recent(self, digest: str, content: bytes) -> None:
        if len(content) <= _LARGEST_KEPT:
            self._recent.put(digest, content)
            self._recent.shrink(RECENT_BYTES)

    async def _read_ahead(self, listing: Listing, path: str, entry: Entry, host: Host) -> bytes:
        self._adapt_window(listing.digest)
        wanted = {entry.digest: None}
        if entry.size <= _LARGEST_KEPT:
            wanted |= dict.fromkeys(
                one.digest
                for one in _window(listing, path, self._window)
                if one.size <= _LARGEST_KEPT and not self._holds(one.digest)
            )
        contents = dict(await self._batch(list(wanted), entry.size + self._window, host))
        found = contents.pop(entry.digest)
        for digest, content in contents.items():
            if len(content) <= _LARGEST_KEPT:
                self._ahead.put(digest, content)
        self._brought_bytes = self._ahead.bytes
        # Those who read side by side may still be at what the last window brought.
        self._ahead.shrink(2 * self._window)
        return found

    def _adapt_window(self, revision: str) -> None:
        """Twice as much while most of what was brought of this revision is read, else little."""
        is_read = self._revision == revision and self._ahead.bytes * 2 <= self._brought_bytes
        self._window = min(2 * self._window, LARGEST_WINDOW) if is_read else SMALLEST_WINDOW
        self._revision = revision

    def _holds(self, digest: str) -> bool:
        return digest in self._ahead or digest in self._recent

    async def _batch(
        self, digests: Sequence[str], content_bytes: int, host: Host
    ) -> Sequence[tuple[str, bytes]]:
        command = Command(
            "cat-file",
            ("--batch",),
            stdin="".join(f"{digest}\n" for digest in digests).encode(),
            # Links are not counted as content, and each answer has a header line.
            most_bytes=2 * content_bytes + 5000 * len(digests),
        )
        try:
            return list(_answers(await run_git(command, self.mirror, host)))
        except GitFailed as failure:
            raise SourceUnavailable("the mirror of the repository cannot be read") from failure


def _window(listing: Listing, path: str, most_bytes: int) -> Iterator[Entry]:
    """The file at a path and those that follow it, while they fit."""
    left = most_bytes
    for entry in listing.following(path):
        left -= entry.size
        if left < 0:
            return
        yield entry


def _answers(printed: bytes) -> Iterator[tuple[str, bytes]]:
    position = 0
    while position < len(printed):
        head = _HEAD.match(printed, position)
        if head is None:
            raise SourceUnavailable("the mirror of the repository has lost a file")
        start = head.end()
        position = start + int(head["size"]) + 1
        if position > len(printed):
            raise SourceUnavailable("the mirror of the repository was not read to its end")
        yield head["digest"].decode(), printed[start : position - 1]


class _Contents:
    """Contents by digest, the oldest first, and their size together."""

    def __init__(self) -> None:
        self.bytes = 0
        self._by_digest: OrderedDict[str, bytes] = OrderedDict()

    def __contains__(self, digest: str) -> bool:
        return digest in self._by_digest

    def put(self, digest: str, content: bytes) -> None:
        """Remember as the newest."""
        self.take(digest)
        self._by_digest[digest] = content
        self.bytes += len(content)

    def take(self, digest: str) -> bytes | None:
        """Give a content away; None when it is not there."""
        found = self._by_digest.pop(digest, None)
        self.bytes -= len(found or b"")
        return found

    def shrink(self, most_bytes: int) -> None:
        """Drop the oldest until no more than so many bytes are left."""
        while self.bytes > most_bytes:
            self.take(next(iter(self._by_digest)))
