"""Where the fleet's documents come from: a folder (`fleet_folder`) or a repository.

A repository is read by commit only. What cannot be read is never taken for an empty fleet: the last
good documents stay, and the fleet says since when it is stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from shoal.engine import answers
from shoal.engine.folders import GuardedFolder
from shoal.engine.guarding import Guard
from shoal.errors import InvalidSource
from shoal.hooks.host import Host
from shoal.hooks.sources import SourceType
from shoal.model.artifacts import Artifact, EntryKind, Provenance
from shoal.model.choice import Spec
from shoal.model.identity import Ref

FLEET = Ref("shoal", "fleet")
# As for any other source: a source plugin ends a fetch by itself.
FETCH_SECONDS = 660.0
SUFFIXES = (".yaml", ".yml")
_FILES = frozenset({EntryKind.FILE, EntryKind.LINK})


@dataclass(frozen=True, slots=True)
class FleetFiles:
    """One state of the fleet's documents: file → content. `digest` is that of the content."""

    revision: str
    digest: str
    files: Mapping[str, bytes] = field(repr=False)
    provenance: Provenance = field(default_factory=Provenance)


class FleetReader(Protocol):
    """Reads the fleet's documents from where they live."""

    @property
    def location(self) -> str:
        """As the operator gave it, without credentials."""
        ...

    async def read(self, previous: FleetFiles | None) -> FleetFiles | None:
        """The current files; `previous` when nothing changed; None when it is not settled yet.

        Raises SourceUnavailable, InvalidSource or AccessDenied when it cannot be read.
        """
        ...


class RepositoryReader:
    """A fleet in a repository, read through a source plugin like any other source."""

    def __init__(
        self,
        *,
        source_type: SourceType[Any],
        spec: Spec,
        location: str,
        path: str,
        host: Host,
        guard: Guard,
    ) -> None:
        self._source_type = source_type
        self._spec = spec
        self._location = location
        self._path = path
        self._host = host
        self._guard = guard
        self._artifact: Artifact | None = None

    @property
    def location(self) -> str:
        """The repository, and the folder in it."""
        return self._location

    async def read(self, previous: FleetFiles | None) -> FleetFiles | None:
        """Fetch, and read the documents when the commit is another one."""
        name = self._source_type.name
        artifact = await self._guard.ask(
            "source",
            name,
            "the fleet",
            lambda: self._source_type.fetch(FLEET, self._spec, self._artifact, self._host),
            seconds=FETCH_SECONDS,
            answer=answers.artifact,
        )
        if previous is not None and artifact is self._artifact:
            return previous
        folder = GuardedFolder(artifact.tree, self._path)
        files: dict[str, bytes] = {}
        await self._guard.ask(
            "source",
            name,
            "the fleet",
            lambda: _gather(folder, "", files),
            seconds=FETCH_SECONDS,
            answer=answers.nothing,
        )
        self._artifact = artifact
        return FleetFiles(artifact.revision, artifact.digest, files, artifact.provenance)


async def _gather(folder: GuardedFolder, path: str, into: dict[str, bytes]) -> None:
    for entry in await folder.list(path):
        below = f"{path}/{entry.name}" if path else entry.name
        if entry.kind is EntryKind.FOLDER and not entry.name.startswith("."):
            await _gather(folder, below, into)
        elif entry.kind in _FILES and entry.name.endswith(SUFFIXES):
            into[below] = await _content(folder, below)


async def _content(folder: GuardedFolder, path: str) -> bytes:
    """A file. What stands behind a link that leads nowhere is not read, and was not removed."""
    try:
        return await folder.read(path)
    except FileNotFoundError as error:
        raise InvalidSource(
            f"the fleet cannot be read: {path} is a link that leads nowhere",
            next_step="mend the link, or remove it if its documents are to go",
        ) from error
