"""Where the fleet's documents come from, and the loop that keeps the catalog equal to them.

A fleet is a folder or a repository. A folder is read only when it has been quiet for a while and no
git command is at work in it; a repository is read by commit only. What cannot be read is never
taken for an empty fleet: the last good documents stay, and the fleet says since when it is stale.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from shoal.engine import answers
from shoal.engine.folders import GuardedFolder
from shoal.engine.guarding import Guard
from shoal.errors import SourceUnavailable
from shoal.hooks.host import Host, ThreadRunner
from shoal.hooks.sources import SourceType
from shoal.model.artifacts import Artifact, EntryKind, Provenance
from shoal.model.choice import Spec
from shoal.model.digests import digest_bytes, digest_parts
from shoal.model.identity import Ref

FLEET = Ref("shoal", "fleet")
# As for any other source: a source plugin ends a fetch by itself.
FETCH_SECONDS = 660.0
SUFFIXES = (".yaml", ".yml")
# A checkout or an editor writes many files one after the other; two quiet seconds mean it is done.
SETTLE = timedelta(seconds=2)


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


@dataclass(frozen=True, slots=True)
class _Glance:
    """What a folder looks like without reading a file."""

    signature: str
    is_settled: bool


class FolderReader:
    """A fleet in a local folder."""

    def __init__(self, root: Path, run_in_thread: ThreadRunner, settle: timedelta = SETTLE) -> None:
        self._root = root
        self._run_in_thread = run_in_thread
        self._settle = settle
        self._signature = ""

    @property
    def location(self) -> str:
        """The folder."""
        return str(self._root)

    async def read(self, previous: FleetFiles | None) -> FleetFiles | None:
        """Read the folder when it changed and has settled."""
        try:
            return await self._read(previous)
        except OSError as error:
            raise SourceUnavailable(
                f"the fleet folder {self._root} cannot be read: {error.strerror}",
                next_step="see who is changing it, and its permissions",
            ) from error

    async def _read(self, previous: FleetFiles | None) -> FleetFiles | None:
        glance = await self._run_in_thread(self._look)
        if previous is not None and glance.signature == self._signature:
            return previous
        if not glance.is_settled:
            return None
        files = await self._run_in_thread(self._read_all)
        after = await self._run_in_thread(self._look)
        if after.signature != glance.signature:
            return None
        self._signature = glance.signature
        digest = digest_parts(f"{path}:{digest_bytes(body)}" for path, body in files.items())
        if previous is not None and previous.digest == digest:
            return previous
        return FleetFiles(f"folder:{digest[:12]}", digest, files)

    def _paths(self) -> list[Path]:
        if not self._root.is_dir():
            raise SourceUnavailable(
                f"the fleet folder {self._root} does not exist",
                next_step="create it, mount it, or start with another --fleet",
            )
        found = []
        for folder, subfolders, names in os.walk(self._root):
            subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
            found += [Path(folder, name) for name in sorted(names) if name.endswith(SUFFIXES)]
        return found

    def _look(self) -> _Glance:
        states = [(path, path.stat()) for path in self._paths()]
        signature = digest_parts(
            f"{path}:{stat.st_ino}:{stat.st_mtime_ns}:{stat.st_size}" for path, stat in states
        )
        newest = max((stat.st_mtime for _, stat in states), default=0.0)
        is_quiet = not 0 <= time.time() - newest < self._settle.total_seconds()
        git_is_at_work = (self._root / ".git/index.lock").exists()
        return _Glance(signature, is_quiet and not git_is_at_work)

    def _read_all(self) -> dict[str, bytes]:
        return {str(path.relative_to(self._root)): path.read_bytes() for path in self._paths()}


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
        return self._location if self._path in ("", ".") else f"{self._location}//{self._path}"

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
        with self._guard.call("source", name, "the fleet", seconds=FETCH_SECONDS):
            await _gather(folder, "", files)
        self._artifact = artifact
        return FleetFiles(artifact.revision, artifact.digest, files, artifact.provenance)


async def _gather(folder: GuardedFolder, path: str, into: dict[str, bytes]) -> None:
    for entry in await folder.list(path):
        below = f"{path}/{entry.name}" if path else entry.name
        if entry.kind is EntryKind.FOLDER and not entry.name.startswith("."):
            await _gather(folder, below, into)
        elif entry.kind is EntryKind.FILE and entry.name.endswith(SUFFIXES):
            into[below] = await folder.read(below)
