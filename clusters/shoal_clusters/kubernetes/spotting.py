"""Spotting what was added by hand, and who else deploys an object, by the application's policy.

After a restart objects are seen before their targets are planned for, and until then nobody knows
which clients count and what is ignored. The few objects in which others than we own fields are kept
until then; all others have nothing that could be spotted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.masking import is_secret
from shoal.model.plans import Owned
from shoal.model.sightings import Drift, Neighbour
from shoal_clusters.kubernetes import adding
from shoal_clusters.kubernetes.adding import Addition
from shoal_clusters.kubernetes.briefing import Brief, Briefing
from shoal_clusters.kubernetes.neighbours import neighbours
from shoal_clusters.kubernetes.projecting import entries
from shoal_clusters.kubernetes.register import Register

_MOST_KEPT = 200
"""Objects kept whole until their target is planned for; what is more is seen at its next event."""

Body = Mapping[str, Any]


def _with_names(live: Body) -> Body:
    """A Secret of which only the metadata came, with the names in its data: managedFields tell.

    What is added there is removed by name, so its value need not be known.
    """
    if "data" in live:
        return live
    owned = ((entry.get("fieldsV1") or {}).get("f:data") or {} for entry in entries(live))
    names = {name[2:] for fields in owned for name in fields if name.startswith("f:")}
    return {**live, "data": dict.fromkeys(names)}


class Spotted(NamedTuple):
    """The drift that additions are, and who else deploys the object; None: nobody can say yet."""

    drift: Drift | None
    beside: tuple[Neighbour, ...] | None


class Spotter:
    """Finds additions in objects whose own fields are as we wrote them."""

    def __init__(self, register: Register, briefing: Briefing) -> None:
        self._register = register
        self._briefing = briefing
        self._kept: dict[ObjectKey, bytes] = {}

    def spot(self, row: Owned, live: Body) -> Spotted:
        """What was added to an object, noted in the register, and who else deploys it."""
        brief = self._briefing.of(row.target)
        self._register.added.pop(row.key, None)
        if brief is None:
            self._keep(row.key, live)
            return Spotted(None, None if adding.has_strangers(live) else ())
        beside = neighbours(live, brief.policy.by_hand, brief.stays(row))
        found = self._additions(brief, row, _with_names(live) if is_secret(row.key) else live)
        if not found:
            return Spotted(None, beside)
        self._register.added[row.key] = found
        return Spotted(adding.drift_of(live, found, row.owned_digest), beside)

    def additions(self, key: ObjectKey, live: Body) -> tuple[Addition, ...]:
        """What is added to a live object just now; nothing is noted."""
        row = self._register.row(key)
        brief = self._briefing.of(row.target) if row else None
        return self._additions(brief, row, live) if row and brief else ()

    def briefed(self, target: TargetKey) -> Iterator[tuple[Owned, Body]]:
        """The policy of a target is known now: its objects that were kept, to be judged again."""
        for key in [*self._kept]:
            row = self._register.row(key)
            if row is None or row.target == target:
                live = orjson.loads(self._kept.pop(key))
                if row is not None:
                    yield row, live

    def _keep(self, key: ObjectKey, live: Body) -> None:
        self._kept.pop(key, None)
        if adding.has_strangers(live) and len(self._kept) < _MOST_KEPT:
            self._kept[key] = orjson.dumps(live)

    def _additions(self, brief: Brief, row: Owned, live: Body) -> tuple[Addition, ...]:
        stays, back = brief.stays(row), self._register.put_back.get(row.key, frozenset())
        said = brief.policy.by_hand
        return adding.additions(live, said, lambda path: path in back or stays(path))
