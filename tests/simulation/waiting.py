"""Applications that wait for others, and when those that they wait for were there.

"There" is that all of a grant was well, at one time or another (`reached`). What became of it later
does not count: who waits asks only before it writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.observed import PASS_SECONDS

from shoal.model.identity import TargetKey
from shoal.model.plans import Action

if TYPE_CHECKING:
    from tests.simulation.observed import Write
    from tests.simulation.world import World


def what_others_wait_for_comes_first(world: World, write: Write) -> str | None:
    """Something from Git is written when all that it waits for was there on this cluster."""
    sent, name = write.sent, write.sent.target.application.name
    waited_for = world.scenario.waited_for_by(name)
    if write.is_delete or sent.action is Action.CORRECT or not waited_for:
        return None
    own = world.observed.grant_of(sent)
    decided_at = max(sent.at - PASS_SECONDS, own.at if own is not None else 0.0)
    for earlier in waited_for:
        target = TargetKey(sent.target.application._replace(name=earlier), sent.target.cluster)
        since = world.documents.placed.get((earlier, target.cluster))
        if since is None or since > decided_at:
            continue
        world.reached.look(world, write.cluster, target)
        granted = world.observed.grants[target]
        before = [each for each in granted if each.at <= decided_at][-1:]
        counted = [*before, *(each for each in granted if each.at > decided_at)]
        if not any(world.reached.was_well(write.cluster, each) for each in counted):
            said = ", ".join(each.grant.revision for each in counted) or "nothing"
            return f"it waits for {earlier}, of which {said} was granted and never there in full"
    return None
