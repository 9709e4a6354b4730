"""What is known of the fleet's documents beside the catalog that was made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shoal.documents import Identity, Problem
from shoal.engine.fleet import FleetFiles
from shoal.errors import ShoalError
from shoal.model.identity import Ref
from shoal.planning.leaving import Leaving
from shoal.planning.shrinking import Gone, LetGo

FLEET_KEY = "fleet"
"""The one key of the fleet's queue."""


@dataclass(slots=True)
class FleetState:
    """The fleet's documents: what was read last, and what is wrong with them.

    `loaded_at` is when they were other ones, `looked_at` when the last look began that came to an
    end. `name` and `remembered` (identity → file) are from before a restart. `stale_since` is when
    something could not be read that counts all the same. `leaving` is what the last valid documents
    said of how applications leave, also of those that were removed since. `withheld` is not in the
    documents any more and counts as if it were; `let_go` went lately;
    `unreadable` are files of which nobody can say what stands there.
    """

    name: str = ""
    remembered: dict[Identity, str] = field(default_factory=dict[Identity, str])
    files: FleetFiles | None = None
    loaded_at: datetime | None = None
    looked_at: datetime | None = None
    stale_since: datetime | None = None
    error: ShoalError | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    leaving: dict[Ref, Leaving] = field(default_factory=dict[Ref, Leaving])
    withheld: frozenset[Gone] = frozenset()
    unreadable: frozenset[str] = frozenset()
    let_go: Mapping[Gone, LetGo] = field(default_factory=dict[Gone, LetGo])
