"""Walks a folder of a source, depth first and in the order of names.

`plain` finds its files by it, and a worker is told by it what a chart holds. A link to a folder
that it stands in would have no end: it is refused.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from shoal.errors import InvalidManifest
from shoal.hooks.renderers import Folder
from shoal.model.artifacts import Entry, EntryKind


def _nothing(entry: Entry) -> bool:
    return False


async def walk(
    folder: Folder, start: str = "", *, is_skipped: Callable[[Entry], bool] = _nothing
) -> list[Entry]:
    """All entries below `start`, folders included, named by their paths from there.

    What is skipped is not looked into. FileNotFoundError when `start` is no folder, InvalidManifest
    for a link in circles.
    """
    found: list[Entry] = []

    async def visit(path: str, above: tuple[str, ...]) -> None:
        for entry in await folder.list(posixpath.join(start, path)):
            if is_skipped(entry):
                continue
            below = posixpath.join(path, entry.name)
            found.append(entry._replace(name=below))
            if entry.kind is not EntryKind.FOLDER:
                continue
            if entry.digest in above:  # content cannot hold itself: only a link leads in circles
                raise InvalidManifest(f"{below} is a link to a folder that it stands in")
            await visit(below, (*above, entry.digest))

    await visit("", ())
    return found
