"""Briefing: what the session was last told of each target, to judge what it sees by.

An object is judged by what was written, and that stands in its row. Only two things need more: the
patch that leads back from an edit needs the prepared body, and whether an added field matters is
said by the application's policy. After a restart neither is known until the target is planned for
the first time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Owned
from shoal.model.policies import SyncPolicy
from shoal_clusters.kubernetes.adding import Stays
from shoal_clusters.kubernetes.ignoring import Steps, is_ignored
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.preparing import Prepared

_LEFT_AS_THEY_ARE = frozenset({Mode.IF_NOT_PRESENT, Mode.IGNORE})


class Brief(NamedTuple):
    """What one target should hold, and how it is kept so."""

    prepared: Prepared
    policy: SyncPolicy

    def stays(self, row: Owned) -> Stays:
        """Which paths of an object are ignored, so that what is added there stays.

        All of them where the manifest asks for no more than that the object is there.
        """
        found = self.prepared.objects.get(row.key)
        if found is not None and found.mode in _LEFT_AS_THEY_ARE:
            return lambda path: True
        left: Sequence[Steps] = found.left if found else ()
        return lambda path: is_ignored(left, path)


class News(Enum):
    """What a brief says that the one before it did not."""

    FIRST = auto()
    OTHER_FIELDS_COUNT = auto()
    NOTHING = auto()


class Briefing:
    """The newest brief of every target of a session."""

    def __init__(self) -> None:
        self._briefs: dict[TargetKey, Brief] = {}

    def tell(self, target: TargetKey, brief: Brief) -> News:
        """This is what the target should hold from now on; what that means for what was seen."""
        before = self._briefs.get(target)
        self._briefs[target] = brief
        if before is None:
            return News.FIRST
        old, new = before.policy, brief.policy
        is_same = (old.by_hand, old.ignore) == (new.by_hand, new.ignore)
        return News.NOTHING if is_same else News.OTHER_FIELDS_COUNT

    def of(self, target: TargetKey) -> Brief | None:
        """The brief of a target; None until it was planned for."""
        return self._briefs.get(target)

    def lets_go(self, target: TargetKey, key: ObjectKey) -> bool:
        """Whether the manifest of an object says that it is left alone, marks and all."""
        brief = self._briefs.get(target)
        found = brief.prepared.objects.get(key) if brief else None
        return found is not None and found.mode is Mode.IGNORE

    def body(self, row: Owned) -> Mapping[str, Any] | None:
        """The prepared body that a row was applied from, when it is at hand."""
        brief = self._briefs.get(row.target)
        found = brief.prepared.objects.get(row.key) if brief else None
        return found.body if found and found.digest == row.desired_digest else None
