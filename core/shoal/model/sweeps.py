"""What a sweep of a cluster finds: everything that carries the marks of the fleet, kind by kind."""

from __future__ import annotations

from dataclasses import dataclass

from shoal.errors import ShoalError
from shoal.model.identity import GroupKind, ObjectKey, Ref


@dataclass(frozen=True, slots=True)
class Marked:
    """One live object that is the fleet's by its marks, and which application they name."""

    key: ObjectKey
    uid: str
    application: Ref


@dataclass(frozen=True, slots=True)
class Swept:
    """A part of what one kind holds; several come of a kind with many objects.

    `kinds` says how many the cluster serves, the ones included that were left out. `is_whole`: this
    was the last part, and all objects of the kind were seen. `error` says why they were not; of a
    whole group that cannot be told, `kind.kind` is empty.
    """

    kind: GroupKind
    kinds: int
    found: tuple[Marked, ...] = ()
    is_whole: bool = False
    error: ShoalError | None = None
