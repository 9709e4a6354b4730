"""What each revision deletes over the whole fleet, counted before anything of it is deleted.

A revision is counted when it is granted: what a target has and will not want any more is expected
to go, before the first of its targets is looked at. Plans make the count exact, results move it
from what is to come to what is done. So whoever asks, the answer covers the fleet and not only
those who came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shoal.engine.state import EngineState
from shoal.model.identity import TargetKey
from shoal.model.plans import Content, Desired, Plan, Result, ResultStatus
from shoal.model.policies import PrunePolicy, SyncMode, SyncPolicy
from shoal.planning.budgeting import RevisionPrunes, deletions, expected_deletions

MOST_REVISIONS = 256  # that deleted something and are remembered when nothing is to come of them


def expect_at_grant(
    state: EngineState,
    revision: str,
    contents: Mapping[TargetKey, Content],
    policy: SyncPolicy,
) -> None:
    """These targets are granted a revision: what they have beside its content will go."""
    names = {id(each): [one.key for one in each.manifests] for each in contents.values()}
    for target, content in contents.items():
        count = 0
        if policy.prune is not PrunePolicy.NEVER and policy.mode is SyncMode.APPLY:
            owned = state.inventory(target.cluster).of(target)
            count = expected_deletions(owned, names[id(content)])
        _expect(state, revision, target, count)


def expect_as_planned(state: EngineState, desired: Desired, plan: Plan) -> None:
    """The target was planned: so many will go."""
    _expect(state, desired.grant.revision, plan.target, len(deletions(plan).changes))


def deleted(state: EngineState, desired: Desired, results: Iterable[Result]) -> None:
    """Some of them are gone."""
    count = sum(result.status is ResultStatus.DELETED for result in results)
    if count and desired.digest:
        _of(state, desired.grant.revision).deleted(desired.target, count)


def why_beyond_budget(state: EngineState, desired: Desired) -> str:
    """Why the revision of a target deletes too much in the whole fleet; empty when it does not."""
    found = state.prunes.get(desired.grant.revision)
    return found.why_beyond_budget() if found else ""


def _expect(state: EngineState, revision: str, target: TargetKey, count: int) -> None:
    for other, prunes in state.prunes.items():
        if other != revision:
            prunes.expect(target, 0)
    if count or revision in state.prunes:
        _of(state, revision).expect(target, count)


def _of(state: EngineState, revision: str) -> RevisionPrunes:
    found = state.prunes.get(revision)
    if found is None:
        objects = sum(map(len, state.inventories.values()))
        found = state.prunes[revision] = RevisionPrunes(objects)
        over = [each for each, prunes in state.prunes.items() if not prunes.expected]
        for old in over[:-MOST_REVISIONS]:
            del state.prunes[old]
    return found
