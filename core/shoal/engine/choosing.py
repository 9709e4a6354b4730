"""Which folder of a source an application is, and which renderer reads it.

Used by `rendering`. The documents name a path and, if they want to, a renderer; here the rest is
found out, and what does not fit is said with the names that would.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from shoal.engine.folders import GuardedFolder
from shoal.errors import InvalidSource
from shoal.hooks.renderers import ANY_FOLDER, Folder, Renderer
from shoal.model.artifacts import Artifact, Entry, EntryKind, Tree
from shoal.model.choice import nearest

_SHOWN_FOLDERS = 8


async def choose_renderer(
    renderers: Sequence[Renderer[Any]], folder: Folder, path: str
) -> Renderer[Any]:
    """The renderer whose marker is in the folder, else the one for any folder."""
    listed = await folder.list("")
    names = {each.name for each in listed if each.kind is not EntryKind.FOLDER} - {ANY_FOLDER}
    fitting = [each for each in renderers if names.intersection(each.markers)]
    if len(fitting) > 1:
        raise InvalidSource(
            f"folder {path} fits two renderers, {fitting[0].name} and {fitting[1].name}",
            next_step="name one under render",
        )
    for_any = [each for each in renderers if ANY_FOLDER in each.markers]
    if not fitting and len(for_any) != 1:
        raise InvalidSource(f"folder {path} fits no renderer", next_step="name one under render")
    return (fitting or for_any)[0]


async def folder_root(folder: GuardedFolder, artifact: Artifact, path: str) -> Entry:
    """The application's folder; InvalidSource with its neighbours when it is not there."""
    try:
        return await folder.root()
    except FileNotFoundError:
        raise await _no_folder(artifact, path) from None


async def _no_folder(artifact: Artifact, path: str) -> InvalidSource:
    """The error for a missing folder, with the names that are there instead."""
    known = await _folders(artifact.tree, posixpath.normpath(path))
    meant = nearest(posixpath.normpath(path), known)
    near = ", ".join(sorted(known)[:_SHOWN_FOLDERS])
    next_step = f"did you mean {meant}?" if meant else f"there is {near}" if near else ""
    return InvalidSource(
        f"source {artifact.source} has no folder {path} at revision {artifact.revision[:12]}",
        next_step=next_step,
    )


async def _folders(tree: Tree, path: str) -> list[str]:
    """The folders beside the missing one: in the nearest folder above it that is there."""
    above = path
    while above:
        above = posixpath.dirname(above)
        entry = await tree.entry(above) if ".." not in above.split("/") else None
        if entry is None or entry.kind is not EntryKind.FOLDER:
            continue
        return [
            posixpath.join(above, each.name)
            for each in await tree.list(above)
            if each.kind is EntryKind.FOLDER
        ]
    return []
