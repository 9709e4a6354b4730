"""What of a revision was there on a cluster, at one time or another since it was granted.

Asked of the clusters, not of the engine: an object was written when it was live as its revision
says it, and belonged to the target. What became of it later does not count, as long as a revision
says the same. It was well when it was healthy, too, since the grant, if it is a workload; revisions
with the same content are well together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
from tests.simulation.cluster import DEPLOYMENT, HEALTHY, SimulatedCluster

from shoal.model.identity import ObjectKey, TargetKey
from shoal.testing.fake_cluster import projected

if TYPE_CHECKING:
    from tests.simulation.observed import Granted, Write
    from tests.simulation.world import World

Place = tuple[str, TargetKey]


class Reached:
    """How far each target came, by clusters' uids; `_written` is what was there of each object."""

    def __init__(self) -> None:
        self._written: dict[Place, dict[ObjectKey, Any]] = defaultdict(dict)
        self._unwell: dict[tuple[Place, bytes], set[ObjectKey]] = {}
        self._digests: dict[tuple[str, str], bytes] = {}

    def look(self, world: World, cluster: SimulatedCluster, target: TargetKey) -> set[ObjectKey]:
        """Something of this target changed: what of its revision was never written until now?"""
        granted = world.observed.grants.get(target)
        if not granted:
            return set()
        revision = granted[-1].grant.revision
        content = world.git.histories[target.application.name].content(revision) or {}
        written = self._written[cluster.uid, target]
        place = ((cluster.uid, target), self._digest(target, revision, content))
        unwell = self._unwell.setdefault(place, set(content))
        for key, body in content.items():
            if _is_there(cluster, target, key, body):
                written[key] = body
            if written.get(key) == body and (
                key.group_kind != DEPLOYMENT or cluster.health.get(key, HEALTHY) == HEALTHY
            ):
                unwell.discard(key)
        return {key for key, body in content.items() if written.get(key) != body}

    def was_well(self, cluster: SimulatedCluster, granted: Granted) -> bool:
        """Whether all of this grant was there, and healthy."""
        target = granted.grant.target
        digest = self._digests.get((target.application.name, granted.grant.revision), b"")
        return self._unwell.get(((cluster.uid, target), digest)) == set()

    def _digest(self, target: TargetKey, revision: str, content: Mapping[ObjectKey, Any]) -> bytes:
        name = (target.application.name, revision)
        if name not in self._digests:
            self._digests[name] = orjson.dumps(
                sorted((str(key), body) for key, body in content.items()),
                option=orjson.OPT_SORT_KEYS,
            )
        return self._digests[name]


def _is_there(cluster: SimulatedCluster, target: TargetKey, key: ObjectKey, body: Any) -> bool:
    """Whether an object is as it should be; what was taken without a word nobody could know."""
    if key in cluster.taken:
        return True
    live = cluster.objects.get(key)
    return live is not None and live.owner == target and bool(projected(live.body, body) == body)


def nothing_is_pruned_after_a_failed_apply(world: World, write: Write) -> str | None:
    """What Git has no more goes when all that it has was written.

    An orphan that a person let go waits for nothing that is held, or not decided yet.
    """
    sent = write.sent
    granted = world.observed.grants[sent.target]
    if not write.is_delete or not sent.grant.revision or not granted:
        return None
    if granted[-1].grant.revision != sent.grant.revision:
        return None  # it was sent before the newest grant
    if world.is_orphan_let_go(sent.target, sent.key):
        return None
    unwritten = world.reached.look(world, write.cluster, sent.target)
    return f"{min(unwritten)} was never there" if unwritten else None
