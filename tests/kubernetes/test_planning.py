"""Planning one target: which change each object gets, and why, without asking anybody."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
import pytest
from tests.kubernetes.samples import SHOP, TARGET, config_map, deployment, fields_of, prepared

from shoal.errors import OwnershipConflict
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Action, Change, Owned, OwnedState, Plan
from shoal.model.policies import AddedFieldsPolicy, DriftPolicy, PrunePolicy, SyncPolicy
from shoal.model.sightings import Drift, DriftKind
from shoal_clusters.kubernetes.baselines import Baseline, encode
from shoal_clusters.kubernetes.planning import Known, plan_target
from shoal_clusters.kubernetes.preparing import Prepared, PreparedObject
from shoal_clusters.kubernetes.wanting import Wants

CAFE = TargetKey(Ref("default", "cafe"), "dev")
REPORT = SyncPolicy(when_drifted=DriftPolicy.REPORT)
NEVER = SyncPolicy(prune=PrunePolicy.NEVER)


def only(found: Prepared) -> PreparedObject:
    ((one),) = found.objects.values()
    return one


SET = prepared(config_map())
SETTINGS = only(SET)
KEY = SETTINGS.key
JOB = prepared({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "seed"}})


def marked_with(mode: str) -> Prepared:
    body = copy.deepcopy(config_map())
    body["metadata"]["annotations"] = {"shoal.dev/apply": mode}
    return prepared(body)


def row(of: PreparedObject = SETTINGS, **fields: Any) -> Owned:
    """The row of an object as it stands after its apply; a `baseline` of keywords is made one."""
    baseline = Baseline(resource_version="7", fields=b"{}")
    whole = Owned(TARGET, of.key, "uid-1", of.digest, "owned", b"", OwnedState.CONFIRMED)
    return msgspec.structs.replace(whole, **{"baseline": encode(baseline), **fields})


def planned(
    wanted: Prepared,
    *rows: Owned,
    policy: SyncPolicy | None = None,
    meant: frozenset[ObjectKey] | None = None,
    rerun: bool = False,
    wants: Mapping[TargetKey, Prepared] | None = None,
    unknown: tuple[TargetKey, ...] = (),
    lets_go: bool = False,
    **known: Any,
) -> Plan:
    told = Wants()
    told.learn(wants, unknown)
    nothing: dict[str, Any] = {"drifted": {}, "lost": (), "strangers": {}, "others": {}}
    knowledge = Known(rows={one.key: one for one in rows}, wants=told, **{**nothing, **known})
    said = policy or SyncPolicy()
    return plan_target(TARGET, wanted, knowledge, said, meant, rerun=rerun, lets_go=lets_go)


def change(plan: Plan) -> Change | None:
    assert not plan.refused
    return next(iter(plan.changes), None)


def test_what_is_known_and_equal_is_no_change() -> None:
    assert planned(SET, row()) == Plan(TARGET, ())


@pytest.mark.parametrize("rows", [[], [row(uid="", desired_digest="", baseline=b"")]])
def test_what_is_not_there_is_created(rows: list[Owned]) -> None:
    assert change(planned(SET, *rows)) == Change(
        KEY, Action.CREATE, None, SETTINGS.digest, "not there yet"
    )


def test_what_git_has_otherwise_is_updated() -> None:
    assert change(planned(SET, row(desired_digest="old"))) == Change(
        KEY, Action.UPDATE, "old", SETTINGS.digest, "changed in Git"
    )


@pytest.mark.parametrize("fields", [{"state": OwnedState.INTENDED}, {"baseline": b""}])
def test_what_may_not_have_been_applied_is_applied_again(fields: dict[str, Any]) -> None:
    assert change(planned(SET, row(**fields))) == Change(
        KEY, Action.UPDATE, SETTINGS.digest, SETTINGS.digest, "not known to have been applied"
    )


PATCH = ({"op": "replace", "path": "/data/colour", "value": "blue"},)


@pytest.mark.parametrize(
    ("kind", "manager", "cause"),
    [
        (DriftKind.EDITED, "k9s", "changed in the cluster by k9s"),
        (DriftKind.EDITED, "", "changed in the cluster"),
        (DriftKind.MISSING, "k9s", "deleted in the cluster"),
        (DriftKind.ADDED, "kubectl-edit", "added in the cluster by kubectl-edit"),
        (DriftKind.TAKEN, "Argo CD", "taken over in the cluster by Argo CD"),
        (DriftKind.UNMARKED, "", "its marks were taken off in the cluster"),
    ],
)
def test_what_drifted_is_corrected_and_says_in_which_way(
    kind: DriftKind, manager: str, cause: str
) -> None:
    drift = Drift(kind, "live", manager, patch=PATCH)
    policy = SyncPolicy(when_fields_added=AddedFieldsPolicy.REMOVE)

    found = change(planned(SET, row(), drifted={KEY: drift}, policy=policy))

    assert found == Change(KEY, Action.CORRECT, "live", "owned", cause, PATCH)


@pytest.mark.parametrize("kind", [DriftKind.EDITED, DriftKind.MISSING])
def test_drift_that_is_only_reported_is_no_change(kind: DriftKind) -> None:
    assert change(planned(SET, row(), drifted={KEY: Drift(kind, "x")}, policy=REPORT)) is None


def test_what_changed_in_git_is_updated_whether_it_drifted_or_not() -> None:
    old = row(desired_digest="old")
    edited, gone = (Drift(kind, None) for kind in (DriftKind.EDITED, DriftKind.MISSING))

    after_edit = change(planned(SET, old, drifted={KEY: edited}, policy=REPORT))
    after_loss = change(planned(SET, old, drifted={KEY: gone}, policy=REPORT))

    assert after_edit == Change(KEY, Action.UPDATE, "old", SETTINGS.digest, "changed in Git")
    assert after_loss == Change(KEY, Action.UPDATE, None, SETTINGS.digest, "changed in Git")


def test_fields_that_others_took_over_unchanged_are_taken_back() -> None:
    found = planned(SET, row(), lost={KEY})

    assert change(found) == Change(
        KEY, Action.CORRECT, "owned", "owned", "other clients took its fields over, unchanged"
    )
    assert change(planned(SET, row(), lost={KEY}, policy=REPORT)) is None
    replaced = only(marked_with("Replace"))
    assert change(planned(marked_with("Replace"), row(replaced), lost={KEY})) is None


@pytest.mark.parametrize(
    ("rows", "action"), [([], Action.CREATE), ([row(desired_digest="old")], Action.UPDATE)]
)
def test_what_git_asks_for_comes_before_lost_ownership(rows: list[Owned], action: Action) -> None:
    found = change(planned(SET, *rows, lost={KEY}))

    assert found is not None
    assert found.action is action


def test_an_update_says_which_fields_keep_their_live_value() -> None:
    body = deployment()
    fields = orjson.dumps(fields_of(body))
    del body["spec"]["replicas"]
    wanted = prepared(body)
    scaled = Baseline(resource_version="7", fields=fields, replicas=3)

    found = change(
        planned(wanted, row(only(wanted), desired_digest="old", baseline=encode(scaled)))
    )

    assert found is not None
    assert found.cause == "changed in Git; spec.replicas keeps its live value"


def test_what_runs_once_runs_again_when_it_changes() -> None:
    job = only(JOB)

    assert change(planned(JOB, row(job, desired_digest="old"))) == Change(
        job.key, Action.RECREATE, "old", job.digest, "changed in Git, so it runs again"
    )
    begun = change(planned(JOB, row(job, desired_digest="")))
    assert begun is not None
    assert begun.action is Action.UPDATE


def test_what_ran_to_its_end_runs_again_when_a_person_asks() -> None:
    job = only(JOB)
    ended = row(job, baseline=encode(Baseline(resource_version="7", fields=b"", is_finished=True)))

    assert change(planned(JOB, ended)) is None
    assert change(planned(JOB, row(job), rerun=True)) is None
    assert change(planned(SET, row(), rerun=True)) is None
    assert change(planned(JOB, ended, rerun=True)) == Change(
        job.key, Action.RECREATE, None, job.digest, "asked to run again"
    )


def test_what_is_created_once_is_left_as_it_is() -> None:
    wanted = marked_with("IfNotPresent")
    once = only(wanted)
    edited, gone = (Drift(kind, None) for kind in (DriftKind.EDITED, DriftKind.MISSING))

    assert change(planned(wanted, row(once), drifted={KEY: edited})) is None
    assert change(planned(wanted, row(once), lost={KEY})) is None
    becoming = change(planned(wanted, row(once, desired_digest="old"), drifted={KEY: edited}))
    assert becoming == Change(
        KEY,
        Action.UPDATE,
        "old",
        once.digest,
        "left as it is from now on: its manifest says shoal.dev/apply: IfNotPresent",
    )
    for there in (planned(wanted), planned(wanted, row(once), drifted={KEY: gone})):
        found = change(there)
        assert found is not None
        assert found.action in (Action.CREATE, Action.CORRECT)
    unapplied = change(planned(wanted, row(once, baseline=b"")))
    assert unapplied is not None
    assert unapplied.cause == "not known to have been applied"


def test_what_is_ignored_is_let_go_once() -> None:
    wanted = marked_with("Ignore")

    assert change(planned(wanted)) is None
    assert change(planned(wanted, strangers={KEY: "somebody"})) is None
    cause = "left alone from now on: its manifest says shoal.dev/apply: Ignore"
    for digest in ("old", ""):
        found = change(planned(wanted, row(desired_digest=digest)))
        assert found == Change(KEY, Action.HAND_OVER, digest or None, None, cause)


def test_what_says_that_it_belongs_to_somebody_else_is_refused_by_name() -> None:
    plan = planned(SET, row(), strangers={KEY: "Helm release db/redis"})

    assert plan.changes == ()
    error = plan.refused[KEY]
    assert isinstance(error, OwnershipConflict)
    assert error.message == (
        "dev: ConfigMap default/settings says that it belongs to Helm release db/redis now, "
        "not to application default/shop; it is left untouched"
    )
    assert error.next_step == "remove it from one of the two"


def test_an_object_of_another_application_is_taken_over_once_that_one_lets_it_go() -> None:
    others = {KEY: CAFE}
    kept = planned(SET, others=others, wants={CAFE: SET})
    let_go = planned(SET, others=others, wants={CAFE: prepared()}, strangers={KEY: "x"})

    assert "belongs to Shoal application default/cafe now" in str(kept.refused[KEY])
    assert change(let_go) == Change(
        KEY, Action.ADOPT, None, SETTINGS.digest, "taken over from Shoal application default/cafe"
    )


def test_what_left_git_is_deleted_or_handed_over() -> None:
    gone = row(desired_digest="old")
    other = {TARGET: prepared(), CAFE: SET}

    assert change(planned(prepared(), gone)) == Change(
        KEY, Action.DELETE, "old", None, "removed from Git"
    )
    assert change(planned(prepared(), row(desired_digest=""))) == Change(
        KEY, Action.DELETE, None, None, "removed from Git"
    )
    assert change(planned(prepared(), gone, wants=other)) == Change(
        KEY, Action.HAND_OVER, "old", None, "Shoal application default/cafe takes it over"
    )
    assert change(planned(prepared(), gone, wants=other, policy=NEVER)) is None


def test_what_git_still_brings_and_cannot_be_prepared_is_not_deleted() -> None:
    broken = prepared({**config_map(), "data": {"a": 1}})

    plan = planned(broken, row())

    assert plan.changes == ()
    assert plan.refused.keys() == {KEY}


def test_only_what_is_asked_for_is_planned() -> None:
    wanted = prepared(config_map("a"), config_map("b"), {**config_map("c"), "data": {"x": 1}})
    left = [row(only(prepared(config_map(name)))) for name in ("d", "e")]
    meant = frozenset(ObjectKey("", "ConfigMap", "default", name) for name in "be")

    whole = planned(wanted, *left, strangers={KEY: "x"})
    part = planned(wanted, *left, meant=meant)

    assert [one.key.name for one in whole.changes] == ["a", "b", "d", "e"]
    assert [key.name for key in whole.refused] == ["c"]
    assert [one.key.name for one in part.changes] == ["b", "e"]
    assert part.refused == {}


def test_changes_are_sorted_by_key_whatever_the_order_of_manifests() -> None:
    names = ["b", "d", "a", "c"]

    plan = planned(prepared(*(config_map(name) for name in names)))

    assert [one.key.name for one in plan.changes] == sorted(names)
    assert plan.target.application == SHOP


def test_what_is_let_go_is_not_deleted() -> None:
    nothing = prepared()

    assert change(planned(nothing, row())) == Change(
        KEY, Action.DELETE, SETTINGS.digest, None, "removed from Git"
    )
    assert change(planned(nothing, row(), lets_go=True)) == Change(
        KEY, Action.LET_GO, SETTINGS.digest, None, "left where it is"
    )
