"""Which deletions are done now, which wait for health and which are never done."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from shoal.errors import InvalidManifest
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Action, Change, Plan
from shoal.model.policies import PrunePolicy
from shoal.planning.pruning import split

KINDS = st.sampled_from([("apps", "Deployment"), ("", "ConfigMap"), ("batch", "Job")])
CHANGES = st.lists(st.tuples(KINDS, st.sampled_from(list(Action))), max_size=6)
Make = Callable[..., Plan]


def actions(plan: Plan) -> list[tuple[str, Action]]:
    return [(change.key.kind, change.action) for change in plan.changes]


def test_workloads_are_deleted_only_when_the_rest_is_healthy(plan: Make) -> None:
    whole = plan(
        ("ConfigMap", Action.CREATE), ("ConfigMap", Action.DELETE), ("Deployment", Action.DELETE)
    )

    now, deferred = split(whole, PrunePolicy.AFTER_HEALTHY, healthy=False)

    assert actions(now) == [("ConfigMap", Action.CREATE), ("ConfigMap", Action.DELETE)]
    assert actions(deferred) == [("Deployment", Action.DELETE)]
    assert split(whole, PrunePolicy.AFTER_HEALTHY, healthy=True)[0] == whole
    assert split(whole, PrunePolicy.AFTER_APPLY, healthy=False)[0] == whole


def test_never_deletes_nothing(plan: Make) -> None:
    whole = plan(("ConfigMap", Action.UPDATE), ("ConfigMap", Action.DELETE))

    now, deferred = split(whole, PrunePolicy.NEVER, healthy=True)

    assert actions(now) == [("ConfigMap", Action.UPDATE)]
    assert actions(deferred) == []


@given(CHANGES, st.sampled_from(list(PrunePolicy)), st.booleans())
def test_every_change_is_done_deferred_or_forbidden_and_only_deletions_are_not_done(
    changes: list[tuple[tuple[str, str], Action]], policy: PrunePolicy, healthy: bool
) -> None:
    key = ObjectKey("", "ConfigMap", "shop", "refused")
    whole = Plan(
        TargetKey(Ref("shop", "web"), "prod"),
        tuple(
            Change(ObjectKey(*kind, "shop", str(number)), action, "a", "b")
            for number, (kind, action) in enumerate(changes)
        ),
        refused={key: InvalidManifest("no")},
    )

    now, deferred = split(whole, policy, healthy=healthy)

    forbidden = {each for each in whole.changes if each not in (*now.changes, *deferred.changes)}
    assert len(now.changes) + len(deferred.changes) + len(forbidden) == len(whole.changes)
    assert not forbidden or policy is PrunePolicy.NEVER
    assert all(each.action is Action.DELETE for each in whole.changes if each not in now.changes)
    assert now.refused == whole.refused
    assert not deferred.refused
