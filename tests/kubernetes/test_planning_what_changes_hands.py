"""Plans of two targets on one cluster: what is deleted, and what is handed over. Pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shoal.model.digests import Digester
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.manifests import Manifest
from shoal.model.plans import Action, Owned, OwnedState, Plan
from shoal.model.policies import SyncPolicy
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.planning import Known, plan_target
from shoal_clusters.kubernetes.preparing import Prepared, Scope, prepare
from shoal_clusters.kubernetes.wanting import Wants

LEFT, RIGHT = (TargetKey(Ref("default", name), "dev") for name in ("left", "right"))
NAMES = st.frozensets(st.sampled_from("abcdef"))


def key(name: str) -> ObjectKey:
    return ObjectKey("", "ConfigMap", "default", name)


def prepared(target: TargetKey, names: frozenset[str], mode: Mode = Mode.APPLY) -> Prepared:
    annotations = {} if mode is Mode.APPLY else {"shoal.dev/apply": mode.value}
    bodies = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "annotations": annotations},
        }
        for name in sorted(names)
    ]
    return prepare(
        [Manifest(body, "all.yaml") for body in bodies],
        fleet="test",
        application=target.application,
        scope=lambda version, kind: Scope.NAMESPACED,
        digester=Digester(b"key"),
    )


def planned(
    target: TargetKey,
    wants: Wants,
    wanted: Prepared,
    has: frozenset[str],
    other: TargetKey,
    other_has: frozenset[str],
) -> Plan:
    rows = {
        key(name): Owned(target, key(name), f"uid-{name}", "d", "o", b"b", OwnedState.CONFIRMED)
        for name in has
    }
    others = {key(name): other for name in other_has}
    known = Known(rows, {}, (), {}, others, wants)
    return plan_target(target, wanted, known, SyncPolicy(), None)


@given(NAMES, NAMES, NAMES, NAMES)
def test_nothing_that_anybody_wants_is_deleted_and_everything_that_moves_is_taken(
    left_has: frozenset[str],
    right_has: frozenset[str],
    left_wants: frozenset[str],
    right_wants: frozenset[str],
) -> None:
    right_has -= left_has
    left, right = prepared(LEFT, left_wants), prepared(RIGHT, right_wants)
    wants = Wants()
    wants.learn({LEFT: left, RIGHT: right})
    plans = [
        planned(LEFT, wants, left, left_has, RIGHT, right_has),
        planned(RIGHT, wants, right, right_has, LEFT, left_has),
    ]
    by_action = {
        action: {one.key.name for plan in plans for one in plan.changes if one.action is action}
        for action in Action
    }
    moving = (left_has & right_wants - left_wants) | (right_has & left_wants - right_wants)

    assert not by_action[Action.DELETE] & (left_wants | right_wants)
    assert by_action[Action.DELETE] == (left_has - left_wants - right_wants) | (
        right_has - right_wants - left_wants
    )
    assert by_action[Action.HAND_OVER] == moving
    assert by_action[Action.ADOPT] == moving
    assert not by_action[Action.CREATE] & (left_has | right_has)
    # What both want stays where it is, and is refused to the other.
    refused = {found.name for plan in plans for found in plan.refused}
    assert refused == (left_has | right_has) & left_wants & right_wants


@given(NAMES, NAMES)
def test_what_is_ignored_is_let_go_and_never_taken(
    has: frozenset[str], ignored: frozenset[str]
) -> None:
    left = prepared(LEFT, ignored, Mode.IGNORE)
    wants = Wants()
    wants.learn({LEFT: left})
    plan = planned(LEFT, wants, left, has, RIGHT, frozenset())

    assert {one.key.name for one in plan.changes if one.action is Action.HAND_OVER} == has & ignored
    assert {one.key.name for one in plan.changes if one.action is Action.DELETE} == has - ignored


def test_while_nobody_can_say_nobody_is_known_to_want_anything() -> None:
    wants = Wants()
    wants.learn(None)

    assert not wants.are_known
    assert wants.by(LEFT, key("a")) is None
    wants.learn({LEFT: prepared(LEFT, frozenset("a"))}, (RIGHT,))
    assert wants.by(LEFT, key("a")) is True
    assert wants.by(LEFT, key("b")) is False
    assert wants.by(RIGHT, key("a")) is None
    assert wants.claimant(key("a"), RIGHT) == LEFT
    assert wants.claimant(key("a"), LEFT) is None
