"""What of a revision was there on a cluster, at one time or another since it was granted.

Asked of the clusters, not of the engine: an object was written when it was live as its revision
says it, and belonged to the target; it was well when it was healthy, too, if it is a workload. What
became of it later does not count, and what an older revision said as well is not asked for again.
Revisions with the same content are there together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from tests.simulation.cluster import DEPLOYMENT, HEALTHY, SimulatedCluster
from tests.simulation.observed import PASS_SECONDS

from shoal.model.holds import HoldCause
from shoal.model.identity import ObjectKey, TargetKey
from shoal.testing.fake_cluster import projected

if TYPE_CHECKING:
    from tests.simulation.observed import Granted, Sent, Write
    from tests.simulation.world import World

Place = tuple[str, TargetKey]
_WRITES_WAIT = frozenset(
    {HoldCause.DEPENDENCY, HoldCause.EMPTY_RENDER, HoldCause.SHRUNK_RENDER, HoldCause.GATE}
)


@dataclass
class Reaching:
    """A content, and which objects of it were not written yet, or never well."""

    content: Mapping[ObjectKey, Any]
    unwritten: set[ObjectKey]
    unwell: set[ObjectKey]


class Reached:
    """How far each target came, by clusters' uids."""

    def __init__(self) -> None:
        self._reaching: dict[tuple[Place, bytes], Reaching] = {}
        self._last: dict[Place, Reaching] = {}
        self._digests: dict[tuple[str, str], bytes] = {}

    def look(self, world: World, cluster: SimulatedCluster, target: TargetKey) -> Reaching | None:
        """Something of this target changed: what of its revision is there now?"""
        granted = world.observed.grants.get(target)
        if not granted:
            return None
        revision = granted[-1].grant.revision
        content = world.git.histories[target.application.name].content(revision) or {}
        reaching = self._of((cluster.uid, target), revision, content)
        for key in sorted(reaching.unwritten | reaching.unwell):
            if key in cluster.taken:  # without a word: nobody could know
                reaching.unwritten.discard(key)
                reaching.unwell.discard(key)
                continue
            live = cluster.objects.get(key)
            if live is None or live.owner != target:
                continue
            if projected(live.body, content[key]) != content[key]:
                continue
            reaching.unwritten.discard(key)
            if key.group_kind != DEPLOYMENT or cluster.health.get(key, HEALTHY) == HEALTHY:
                reaching.unwell.discard(key)
        return reaching

    def was_well(self, cluster: SimulatedCluster, granted: Granted) -> bool:
        """Whether all of this grant was there, and healthy."""
        target = granted.grant.target
        digest = self._digests.get((target.application.name, granted.grant.revision), b"")
        reaching = self._reaching.get(((cluster.uid, target), digest))
        return reaching is not None and not reaching.unwell

    def _of(self, place: Place, revision: str, content: Mapping[ObjectKey, Any]) -> Reaching:
        digest = self._digest(place[1], revision, content)
        reaching = self._reaching.get((place, digest))
        if reaching is None:
            before = self._last.get(place)
            unwritten = set(content)
            if before is not None:
                same = {key for key in content if before.content.get(key) == content[key]}
                unwritten -= same - before.unwritten
            reaching = self._reaching[place, digest] = Reaching(content, unwritten, set(content))
        self._last[place] = reaching
        return reaching

    def _digest(self, target: TargetKey, revision: str, content: Mapping[ObjectKey, Any]) -> bytes:
        name = (target.application.name, revision)
        if name not in self._digests:
            self._digests[name] = orjson.dumps(
                sorted((str(key), body) for key, body in content.items()),
                option=orjson.OPT_SORT_KEYS,
            )
        return self._digests[name]


def nothing_is_pruned_after_a_failed_apply(world: World, write: Write) -> str | None:
    """What Git has no more goes when all that it has was written.

    An orphan that a person let go does not wait for what a hold keeps from being written.
    """
    sent = write.sent
    granted = world.observed.grants[sent.target]
    if not write.is_delete or not sent.grant.revision or not granted:
        return None
    if granted[-1].grant.revision != sent.grant.revision:
        return None  # it was sent before the newest grant
    reaching = world.reached.look(world, write.cluster, sent.target)
    if reaching is None or not reaching.unwritten:
        return None
    if world.is_orphan_let_go(sent.target, sent.key) and _was_held(world, sent):
        return None
    return f"{min(reaching.unwritten)} was never there"


def _was_held(world: World, sent: Sent) -> bool:
    """Whether a hold kept what Git says from being written when the pass of a write was decided.

    A person may have released it since. Who waits for another application waits without a hold
    while that one is being decided.
    """
    if world.scenario.waited_for_by(sent.target.application.name):
        return True
    released = (each.hold for each in world.observed.approvals if each.at >= sent.at - PASS_SECONDS)
    return any(
        hold.subject == str(sent.target) and hold.cause in _WRITES_WAIT
        for hold in (*world.memory.holds.values(), *released)
    )
