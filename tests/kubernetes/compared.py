"""An object that was applied and confirmed, what becomes of it, and how that is judged."""

from __future__ import annotations

import copy
from typing import Any

from tests.kubernetes.samples import (
    DIGESTER,
    FLEET,
    TARGET,
    applied,
    edited_by,
    fields_of,
    prepared,
)

from shoal_clusters.kubernetes.comparing import (
    Comparer,
    Drifted,
    Verdict,
)
from shoal_clusters.kubernetes.projecting import FieldSets

COMPARER = Comparer(FLEET, DIGESTER, FieldSets())


class Case:
    """One object that was applied and confirmed, and what becomes of it."""

    def __init__(self, body: dict[str, Any], *, status: dict[str, Any] | None = None) -> None:
        ((self.key, one),) = prepared(body).objects.items()
        self.desired = one.body
        self.live = applied(one.body)
        if status:
            self.live["status"] = status
        self.owned = COMPARER.confirmed(
            TARGET, self.key, self.live, desired=lambda: one.body, desired_digest=one.digest
        )

    def later(self, *, lost: Any = None, entries: tuple[Any, ...] = ()) -> dict[str, Any]:
        """A newer live object; `lost` is FieldsV1 that our entry no longer has."""
        live = copy.deepcopy(self.live)
        live["metadata"]["resourceVersion"] = "11"
        if lost is not None:
            live["metadata"]["managedFields"][0]["fieldsV1"] = lost
        live["metadata"]["managedFields"] += entries
        return live

    def judged(self, live: dict[str, Any] | None, **options: Any) -> Verdict:
        return COMPARER.compare(live, self.owned, desired=lambda: self.desired, **options)


def edited_colour(case: Case, value: str = "red") -> dict[str, Any]:
    fields = fields_of(case.desired)
    del fields["f:data"]["f:colour"]
    live = case.later(
        lost=fields, entries=(edited_by("kubectl-edit", {"f:data": {"f:colour": {}}}),)
    )
    live["data"]["colour"] = value
    return live


def drift_of(verdict: Verdict) -> Any:
    assert isinstance(verdict, Drifted)
    return verdict.drift
