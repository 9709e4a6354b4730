"""Differences of many clusters, each told once: equal ones under the names of all their clusters.

Gathered by `diffing`, cluster by cluster as answers come; the whole is made when all have answered,
so that the order does not depend on who was quick. What a person is shown of a thousand clusters is
then as long as what differs, and not a thousand times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shoal.engine.saying import alone
from shoal.engine.views.changes import Difference, DiffView
from shoal.engine.views.clusters import SilentCluster
from shoal.errors import ShoalError
from shoal.model.digests import digest_value
from shoal.model.identity import ObjectKey, Ref
from shoal.model.masking import masked_patch
from shoal.model.plans import Action, Change, Content, Desired, Plan

REFUSED = "refuse"


@dataclass(slots=True)
class Comparison:
    """What has been found so far; `told` are the clusters of which something is known."""

    told: set[str] = field(default_factory=set[str])
    _found: dict[str, tuple[Difference, list[str]]] = field(
        default_factory=dict[str, tuple[Difference, list[str]]]
    )
    _unanswered: dict[str, ShoalError] = field(default_factory=dict[str, ShoalError])
    _failed: dict[str, ShoalError] = field(default_factory=dict[str, ShoalError])

    def unanswered(self, cluster: str, error: ShoalError) -> None:
        """The cluster gave no answer."""
        self.told.add(cluster)
        self._unanswered[cluster] = error

    def failed(self, cluster: str, error: ShoalError) -> None:
        """What this cluster should hold could not be made, or not be planned."""
        self.told.add(cluster)
        self._failed[cluster] = error

    def planned(self, cluster: str, plan: Plan, desired: Desired) -> None:
        """The cluster answered."""
        self.told.add(cluster)
        for difference in differences(plan, desired.content):
            self._add(cluster, difference)

    def _add(self, cluster: str, difference: Difference) -> None:
        parts = [getattr(difference, name) for name in _TELLING]
        digest = digest_value(parts)
        self._found.setdefault(digest, (difference, []))[1].append(cluster)

    def view(self, application: Ref, revision: str, placed: Sequence[str]) -> DiffView:
        """All of it: objects by name, and of one object what most clusters have first."""
        whole = [
            Difference(**{name: getattr(one, name) for name in _TELLING}, clusters=sorted(clusters))
            for one, clusters in self._found.values()
        ]
        answered = len(placed) - len(self._unanswered) - len(self._failed)
        return DiffView(
            namespace=application.namespace,
            application=application.name,
            revision=revision,
            clusters=len(placed),
            answered=answered,
            differences=sorted(whole, key=lambda one: (one.object, -len(one.clusters), one.action)),
            unanswered=silent_clusters(self._unanswered),
            failed=silent_clusters(self._failed),
        )


_TELLING = ("object", "action", "cause", "patch", "unverified", "reason", "next_step")


def differences(plan: Plan, content: Content) -> Iterator[Difference]:
    """What a plan would change, object by object, and what of it is refused."""
    for change in plan.changes:
        yield _difference(change, plan, content)
    for key, error in plan.refused.items():
        yield Difference(
            object=str(key),
            action=REFUSED,
            reason=error.reason,
            cause=alone(plan.target, key, error.message),
            next_step=error.next_step,
        )


def _difference(change: Change, plan: Plan, content: Content) -> Difference:
    patch = change.patch or ()
    if change.action is Action.CREATE and not patch:
        patch = _whole(change.key, content)
    return Difference(
        object=str(change.key),
        action=change.action.value,
        cause=change.cause,
        patch=patch,
        unverified=change.key in plan.unverified,
    )


def _whole(key: ObjectKey, content: Content) -> Sequence[Mapping[str, Any]]:
    """All of an object that is not there yet, as one operation; its Secrets are masked."""
    for manifest in content.manifests:
        if manifest.key == key:
            body = manifest.body
            return masked_patch(key, [{"op": "add", "path": "", "value": body}], body)
    return ()


def silent_clusters(errors: Mapping[str, ShoalError]) -> list[SilentCluster]:
    """The clusters that gave no answer, by name, and why."""
    return [
        SilentCluster(cluster, error.reason, error.message, error.next_step)
        for cluster, error in sorted(errors.items())
    ]
