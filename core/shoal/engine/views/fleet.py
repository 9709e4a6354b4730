"""Views of the fleet as a whole, of the sources it reads and of the plugins it is served by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shoal.engine.stepping import Stall


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """One thing wrong in the fleet's documents."""

    file: str
    line: int
    field: str
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class FleetView:
    """The fleet on one screen. `warnings` are doubts about documents that are used as they are.

    `stale_since` is when something could not be read that counts all the same. `state_message` says
    since when and why the state cannot be written; empty when it can. `blocked` counts the targets
    on which something is in the way of an object. `stalls`: when the event loop stood still, in the
    last hour.
    """

    name: str
    location: str
    revision: str
    loaded_at: datetime | None
    looked_at: datetime | None
    stale_since: datetime | None
    ready: str
    message: str
    problems: Sequence[DocumentProblem]
    warnings: Sequence[DocumentProblem]
    clusters: int
    clusters_reachable: int
    applications: int
    targets: int
    phases: dict[str, int]
    health: dict[str, int]
    blocked: int
    holds: int
    state_message: str
    state_next_step: str
    version: str
    started_at: datetime
    stalls: Sequence[Stall] = ()


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source and the revision it was last seen at."""

    namespace: str
    name: str
    type: str
    revision: str
    version: str
    fetched_at: datetime | None
    author: str
    subject: str
    signer: str
    ready: str
    message: str
    next_step: str
    document: str


@dataclass(frozen=True, slots=True)
class PluginView:
    """One thing that a plugin registered, or a plugin that is not used: `message` says why."""

    plugin: str
    distribution: str
    version: str
    state: str
    seam: str
    name: str
    message: str
