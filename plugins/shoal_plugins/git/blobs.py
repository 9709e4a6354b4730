"""File contents of a mirror, read in batches and remembered for a short while.

One `git cat-file` costs 3 ms, whatever it reads; so a look at a file also brings the files that
follow it in the order of a walk, up to a window. A thousand small applications in one repository
are then a handful of calls, and after a commit only the changed blobs are read. No process stays
behind.
"""

from __future__ import annotations

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
WINDOW_BYTES = 4 * _MEBIBYTE  # read through the pipe in about 10 ms
KEPT_BYTES = 16 * _MEBIBYTE  # four windows; rendering is over before it matters
_LARGEST_KEPT = _MEBIBYTE


class Blobs:
    """The contents of one mirror's files, by digest; used from one event loop."""

    def __init__(self, mirror: Path) -> None:
        self.mirror = mirror
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._reading = anyio.Lock()

    async def read(self, listing: Listing, path: str, host: Host) -> bytes:
        """The content of the file or link at a path that the listing holds."""
        entry = listing.entry(path)
        if entry is None:
            raise FileNotFoundError(path)
        if entry.digest not in self._kept:
            async with self._reading:
                if entry.digest not in self._kept:
                    return await self._read_ahead(listing, path, entry, host)
        self._kept.move_to_end(entry.digest)
        return self._kept[entry.digest]

    async def _read_ahead(self, listing: Listing, path: str, entry: Entry, host: Host) -> bytes:
        wanted = {entry.digest: None}
        if entry.size <= _LARGEST_KEPT:
            wanted |= dict.fromkeys(
                one.digest
                for one in _window(listing, path)
                if one.size <= _LARGEST_KEPT and one.digest not in self._kept
            )
        contents = await self._batch(list(wanted), entry.size + WINDOW_BYTES, host)
        for digest, content in contents:
            if len(content) <= _LARGEST_KEPT:
                self._keep(digest, content)
        return dict(contents)[entry.digest]

    def _keep(self, digest: str, content: bytes) -> None:
        self._kept[digest] = content
        self._kept_bytes += len(content)
        while self._kept_bytes > KEPT_BYTES:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)

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


def _window(listing: Listing, path: str) -> Iterator[Entry]:
    """The file at a path and those that follow it, while they fit."""
    left = WINDOW_BYTES
    for entry in listing.following(path):
        left -= entry.size
        if left < 0:
            return
        yield entry


def _answers(printed: bytes) -> Iterator[tuple[str, bytes]]:
    position = 0
    while position < len(printed):
        end = printed.index(b"\n", position)
        digest, kind, *size = printed[position:end].split()
        if kind != b"blob":
            raise SourceUnavailable("the mirror of the repository has lost a file")
        start = end + 1
        position = start + int(size[0]) + 1
        yield digest.decode(), printed[start : position - 1]
