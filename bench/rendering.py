"""The floor of rendering: read and parse folders by the renderer alone, without engine or Git.

`python -m bench.rendering ROOT FOLDER…` prints one line of JSON with the wall seconds; importing is
not counted.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import anyio

from shoal.model.artifacts import Entry, EntryKind
from shoal.model.manifests import Manifest
from shoal.testing.facts import make_facts
from shoal.testing.hosts import make_host
from shoal_plugins.rendering.plain import PlainRenderer, PlainSpec


class PlainFolder:
    """A folder of the machine; files directly in it are all that the workload has."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self, path: str) -> bytes:
        """The content of a file."""
        return (self._folder / path).read_bytes()

    async def find(self, path: str) -> Entry | None:
        """Whether a file is there."""
        is_there = (self._folder / path).is_file()
        return Entry(path, EntryKind.FILE, "") if is_there else None

    async def list(self, path: str) -> Sequence[Entry]:
        """The files, sorted by name; no digests, because nobody asks for them."""
        names = sorted(each.name for each in (self._folder / path).iterdir())
        return [Entry(name, EntryKind.FILE, "") for name in names]


async def render_all(root: Path, folders: Sequence[str]) -> tuple[list[Manifest], float]:
    """What these folders hold, one after the other, and the seconds that it took."""
    renderer = PlainRenderer()
    rendered: list[Manifest] = []
    with tempfile.TemporaryDirectory() as scratch:
        host = make_host(Path(scratch))
        started = time.monotonic()
        for folder in folders:
            reader = PlainFolder(root / folder)
            rendered += await renderer.render(PlainSpec(), reader, make_facts(), host)
        return rendered, time.monotonic() - started


if __name__ == "__main__":
    _, seconds = anyio.run(render_all, Path(sys.argv[1]), sys.argv[2:])
    sys.stdout.write(json.dumps({"wall": seconds}) + "\n")
