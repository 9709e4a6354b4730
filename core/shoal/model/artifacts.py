"""What a source hands over: one revision of its content, as a tree of files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from shoal.model.identity import Ref


class EntryKind(StrEnum):
    """What stands at a path of a tree."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


class Entry(NamedTuple):
    """One name in a folder. `digest` is equal when, and only when, the content below is equal.

    `size` is in bytes for files and 0 for everything else.
    """

    name: str
    kind: EntryKind
    digest: str
    size: int = 0


class Tree(Protocol):
    """One revision's files as the source has them: nothing is resolved, nothing is guarded.

    The core reads it through its own wrapper, the one place where links are followed, paths are
    kept inside, sizes are bounded and every look is noted for the render memo. Paths given to an
    implementation are therefore plain: relative, forward slashes, no `.` or `..`, `` is the root.
    """

    @property
    def digest(self) -> str:
        """Equal when, and only when, the whole content is equal."""
        ...

    async def entry(self, path: str) -> Entry | None:
        """What stands at a path, a link itself and not its target; None when nothing does."""
        ...

    async def read(self, path: str) -> bytes:
        """The content of a file, or the target text of a link; FileNotFoundError otherwise."""
        ...

    async def list(self, path: str) -> Sequence[Entry]:
        """The entries of a folder, sorted by name; FileNotFoundError when it is not a folder."""
        ...


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who made a revision, when and why, as the source says.

    `version` is the name under which it was published and chosen, such as a tag; `signer` is whose
    signature on it was verified, empty when none was asked for.
    """

    author: str = ""
    committed_at: datetime | None = None
    subject: str = ""
    url: str = ""
    traceparent: str = ""
    version: str = ""
    signer: str = ""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A revision that came together with later ones: those of `within` have it in their past."""

    revision: str
    provenance: Provenance
    within: frozenset[str]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One revision of a source. `digest` is that of the content: two revisions may share it."""

    source: Ref
    revision: str
    digest: str
    tree: Tree
    provenance: Provenance = Provenance()
