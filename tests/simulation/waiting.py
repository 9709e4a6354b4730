"""Applications that wait for others, and when those that they wait for were there.

"There" is asked of the clusters: each object of what was granted was live as its revision says, and
each workload of it healthy, at one time or another since the grant. What became of it later does
not count: who waits asks only before it writes. Revisions with the same content are there together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import orjson
from tests.simulation.cluster import DEPLOYMENT, HEALTHY, SimulatedCluster

from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import Action
from shoal.testing.fake_cluster import projected

if TYPE_CHECKING:
    from tests.simulation.observed import Granted, Write
    from tests.simulation.world import World

# A pass that was decided before may go on while requests hang; it began within this time.
PASS_SECONDS = 600.0
Granting = tuple[str, TargetKey, bytes]


class Order:
    """Which revisions were there in full, of applications that others wait for."""

    def __init__(self, waiting: Collection[tuple[str, str]]) -> None:
        self.waits_for: dict[str, list[str]] = {}
        for later, earlier in waiting:
            self.waits_for.setdefault(later, []).append(earlier)
        self._waited_for = {earlier for _, earlier in waiting}
        self._missing: dict[Granting, set[ObjectKey]] = {}
        self._contents: dict[tuple[str, str], bytes] = {}

    def look(self, world: World, cluster: SimulatedCluster, target: TargetKey) -> None:
        """Something of this target changed: what of its revision is there now?"""
        granted = world.observed.grants.get(target)
        if target.application.name not in self._waited_for or not granted:
            return
        revision = granted[-1].grant.revision
        content = world.git.histories[target.application.name].content(revision) or {}
        granting = (cluster.uid, target, self._content(target, revision, content))
        missing = self._missing.setdefault(granting, set(content))
        for key in sorted(missing):
            live = cluster.objects.get(key)
            if key in cluster.strangers:
                missing.discard(key)  # taken without a word: nobody could know
                continue
            if live is None or live.owner != target:
                continue
            is_equal = projected(live.body, content[key]) == content[key]
            health = cluster.health.get(key, HEALTHY)
            if is_equal and (key.group_kind != DEPLOYMENT or health == HEALTHY):
                missing.discard(key)

    def was_there(self, cluster: SimulatedCluster, granted: Granted) -> bool:
        """Whether nothing of this grant was missing any more."""
        target = granted.grant.target
        content = self._contents.get((target.application.name, granted.grant.revision), b"")
        return self._missing.get((cluster.uid, target, content)) == set()

    def _content(self, target: TargetKey, revision: str, content: Mapping[ObjectKey, Any]) -> bytes:
        """What stands for all that a revision holds."""
        name = (target.application.name, revision)
        if name not in self._contents:
            self._contents[name] = orjson.dumps(
                sorted((str(key), body) for key, body in content.items()),
                option=orjson.OPT_SORT_KEYS,
            )
        return self._contents[name]


def what_others_wait_for_comes_first(world: World, write: Write) -> str | None:
    """Something from Git is written when all that it waits for was there on this cluster."""
    sent, name = write.sent, write.sent.target.application.name
    if write.is_delete or sent.action is Action.CORRECT or not world.order.waits_for.get(name):
        return None
    decided_at = max(sent.at - PASS_SECONDS, world.observed.last_granted(sent.target))
    for earlier in world.order.waits_for[name]:
        target = TargetKey(sent.target.application._replace(name=earlier), sent.target.cluster)
        since = world.documents.placed.get((earlier, target.cluster))
        if since is None or since > decided_at:
            continue
        world.order.look(world, write.cluster, target)
        granted = world.observed.grants[target]
        before = [each for each in granted if each.at <= decided_at][-1:]
        counted = [*before, *(each for each in granted if each.at > decided_at)]
        if not any(world.order.was_there(write.cluster, each) for each in counted):
            said = ", ".join(each.grant.revision for each in counted) or "nothing"
            return f"it waits for {earlier}, of which {said} was granted and never there in full"
    return None
