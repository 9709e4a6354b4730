"""The renderer `plain`: the manifests are what the files say.

Every `*.yaml`, `*.yml` and `*.json` below the folder, each with any number of documents. Empty
documents and documents of the group shoal.dev are skipped; anything else that is not a manifest is
an error with its file and line, because what is silently left out would be pruned (a broken link
and a submodule too). Names that begin with a dot are left out: `.github/workflows` holds YAML and
no manifests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from shoal.errors import InvalidManifest
from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder
from shoal.model.artifacts import EntryKind
from shoal.model.choice import Spec
from shoal.model.manifests import Manifest
from shoal.model.yaml import read_manifests

_SUFFIXES = (".yaml", ".yml", ".json")
_OURS = "shoal.dev/"


class PlainSpec(Spec):
    """`plain` has no parameters."""


class PlainRenderer:
    """Reads the files of a folder as they are; chosen where no other renderer's marker is."""

    name = "plain"
    version = "1"
    spec = PlainSpec
    markers: tuple[str, ...] = ()

    async def render(
        self, parameters: PlainSpec, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        """All manifests, in the order of their files."""
        contents = [(path, await _content(folder, path)) for path in await _files(folder)]
        return await host.run_in_thread(_read_all, contents)


async def _files(folder: Folder, path: str = "", above: tuple[str, ...] = ()) -> list[str]:
    found: list[str] = []
    for entry in await folder.list(path):
        below = f"{path}/{entry.name}" if path else entry.name
        if entry.name.startswith("."):
            continue
        if entry.kind is EntryKind.FILE:
            found += [below] if entry.name.endswith(_SUFFIXES) else []
        elif entry.kind is not EntryKind.FOLDER:
            found.append(below)  # a broken link or a submodule: reading it says what is wrong
        elif entry.digest in above:  # content cannot hold itself: only a link leads in circles
            raise InvalidManifest(f"{below} is a link to a folder that it stands in")
        else:
            found += await _files(folder, below, (*above, entry.digest))
    return found


async def _content(folder: Folder, path: str) -> bytes:
    try:
        return await folder.read(path)
    except FileNotFoundError:
        raise InvalidManifest(f"{path} is a link that leads nowhere") from None


def _read_all(contents: Sequence[tuple[str, bytes]]) -> list[Manifest]:
    return [manifest for path, content in contents for manifest in _read_file(path, content)]


def _read_file(path: str, content: bytes) -> list[Manifest]:
    manifests: list[Manifest] = []
    for value, line in _documents(path, content):
        origin = f"{path}:{line}"
        body = _checked(value, origin)
        if not str(body["apiVersion"]).startswith(_OURS):
            manifests.append(Manifest(body, origin))
    return manifests


def _documents(path: str, content: bytes) -> list[tuple[Any, int]]:
    if not path.endswith(".json"):
        return [(each.value, each.line) for each in read_manifests(content, file=path)]
    try:
        value = orjson.loads(content) if content.strip() else None
    except orjson.JSONDecodeError as error:
        raise InvalidManifest(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error
    return [] if value is None else [(value, 1)]


def _checked(value: Any, origin: str) -> Mapping[str, Any]:
    """The body of a manifest, or InvalidManifest that says what it lacks (never its values)."""
    if not isinstance(value, dict):
        raise InvalidManifest(
            f"{origin}: not a Kubernetes manifest: expected a mapping",
            next_step="move files that are no manifests out of the folder",
        )
    for name in ("apiVersion", "kind"):
        if not isinstance(value.get(name), str) or not value[name]:
            raise InvalidManifest(
                f"{origin}: not a Kubernetes manifest: {name} is missing or not text",
                next_step="move files that are no manifests out of the folder",
            )
    metadata = value.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise InvalidManifest(f"{origin}: metadata is not a mapping")
    labels = (metadata or {}).get("labels")
    if labels is not None and not isinstance(labels, dict):
        raise InvalidManifest(f"{origin}: metadata.labels is not a mapping")
    return value
