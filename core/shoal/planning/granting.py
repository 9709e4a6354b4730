"""Which revision each target may have. This planner grants the head to all, at once.

Rollouts, rollbacks and promotions will be other planners of the same record; the target loop only
ever reads the grant.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import datetime

from shoal.model.identity import TargetKey
from shoal.model.plans import Grant

BY_HEAD = "head"


def grant(
    targets: Iterable[TargetKey],
    revision: str,
    current: Mapping[TargetKey, Grant],
    changed: Container[TargetKey],
    now: datetime,
    traceparent: str = "",
) -> tuple[Mapping[TargetKey, Grant], datetime | None]:
    """The grants of all these targets, and when to plan again (None: when something changes).

    `changed` holds the targets whose desired digest is another than under their current grant.
    Elsewhere the old grant stays, the very object: a commit that does not touch a target writes
    nothing and starts no sync there.
    """
    grants: dict[TargetKey, Grant] = {}
    for target in targets:
        old = current.get(target)
        if old is None or target in changed:
            old = Grant(target, revision, BY_HEAD, now, traceparent)
        grants[target] = old
    return grants, None
