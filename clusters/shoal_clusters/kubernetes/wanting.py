"""Wanting: what every target of one cluster should hold, so that objects can change hands.

An object that one application drops and another brings is handed over; deleted and created again
it would be an outage. So before anything is deleted the session is told what all targets of the
cluster should hold (`learn`). As long as that is not known, nobody's object is taken and none is
deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shoal.model.identity import ObjectKey, TargetKey
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.preparing import Prepared


class Wants:
    """What the targets of one cluster want, as it was told last."""

    def __init__(self) -> None:
        self._told: Mapping[TargetKey, Prepared] | None = None
        self._unknown: frozenset[TargetKey] = frozenset()

    @property
    def are_known(self) -> bool:
        """Whether anybody can say what the targets want just now."""
        return self._told is not None

    def learn(
        self, told: Mapping[TargetKey, Prepared] | None, unknown: Iterable[TargetKey] = ()
    ) -> None:
        """From now on this is what all targets want, but for those of which nobody can say."""
        self._told, self._unknown = told, frozenset(unknown)

    def by(self, target: TargetKey, key: ObjectKey) -> bool | None:
        """Whether a target wants an object; None when nobody can say.

        What it brings and could not be prepared is wanted too: the next commit may mend it.
        """
        if self._told is None or target in self._unknown:
            return None
        prepared = self._told.get(target)
        return prepared is not None and _wants(prepared, key)

    def claimant(self, key: ObjectKey, owner: TargetKey) -> TargetKey | None:
        """Another target than its owner that wants an object; the first of several."""
        claims = (
            target
            for target, prepared in (self._told or {}).items()
            if target != owner and _wants(prepared, key)
        )
        return min(claims, default=None)


def _wants(prepared: Prepared, key: ObjectKey) -> bool:
    wanted = prepared.objects.get(key)
    if wanted is not None:
        return wanted.mode is not Mode.IGNORE
    return key in prepared.refused
