"""The renderer `plain`: the manifests are what the files say.

Every `*.yaml`, `*.yml` and `*.json` below the folder, each with any number of documents, read by
the library that kubectl reads with. Empty documents and documents of the group shoal.dev are
skipped; anything else that is not a manifest is an error with its file and line, because what is
silently left out would be pruned (a broken link and a submodule too). Names that begin with a dot
are left out: `.github/workflows` holds YAML and no manifests.
"""

from __future__ import annotations

from collections.abc import Sequence

from shoal.errors import InvalidManifest
from shoal.hooks.host import Host
from shoal.hooks.renderers import ANY_FOLDER, ClusterFacts, Folder
from shoal.model.artifacts import Entry, EntryKind
from shoal.model.choice import Spec
from shoal.model.manifests import Manifest
from shoal_plugins.rendering.walking import walk
from shoal_plugins.rendering.worker import Job, Workers

_SUFFIXES = (".yaml", ".yml", ".json")


class PlainSpec(Spec):
    """`plain` has no parameters."""


class PlainRenderer:
    """Reads the files of a folder as they are; chosen where no other renderer's marker is."""

    name = "plain"
    spec = PlainSpec
    markers = (ANY_FOLDER,)

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    @property
    def version(self) -> str:
        """Another worker may read YAML in another way."""
        return self._workers.binary.version

    async def render(
        self, parameters: PlainSpec, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        """All manifests, in the order of their files."""
        files = [(path, await _content(folder, path)) for path in await _files(folder)]
        if not files:
            return ()
        return await self._workers.render(Job("plain", {}, files), folder, facts, host)


async def _files(folder: Folder) -> list[str]:
    """What is to be read: manifests, and what only reading can say is wrong with."""
    entries = await walk(folder, is_skipped=lambda entry: entry.name.startswith("."))
    return [each.name for each in entries if _is_read(each)]


def _is_read(entry: Entry) -> bool:
    if entry.kind is EntryKind.FILE:
        return entry.name.endswith(_SUFFIXES)
    return entry.kind is not EntryKind.FOLDER  # a broken link or a submodule


async def _content(folder: Folder, path: str) -> bytes:
    try:
        return await folder.read(path)
    except FileNotFoundError:
        raise InvalidManifest(f"{path} is a link that leads nowhere") from None
