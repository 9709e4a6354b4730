"""What is written only when all before it was written and seen healthy."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.errors import InvalidManifest
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.manifests import Manifest
from shoal.model.plans import Action, Change, Plan
from shoal.planning.waving import (
    ARGO_WAVE,
    FLAT,
    WAVE,
    Waves,
    backwards,
    turn,
    waves_of,
    without_unreadable,
)

TARGET = TargetKey(Ref("default", "shop"), "prod")


def key(name: str) -> ObjectKey:
    return ObjectKey("", "ConfigMap", "shop", name)


def manifest(name: str, annotations: Mapping[str, str], **metadata: str) -> Manifest:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "annotations": dict(annotations), **metadata},
    }
    return Manifest(body, f"{name}.yaml:1")


def waves(**numbers: int) -> Waves:
    return waves_of(
        manifest(name, {WAVE: str(number)}, namespace="shop") for name, number in numbers.items()
    )


def plan_of(**actions: Action) -> Plan:
    return Plan(TARGET, tuple(Change(key(name), actions[name], "a", "b") for name in actions))


def names(plan: Plan) -> list[str]:
    return [change.key.name for change in plan.changes]


def test_objects_without_a_wave_are_in_wave_zero() -> None:
    found = waves_of([manifest("a", {}), manifest("b", {WAVE: "0"}), manifest("c", {WAVE: "-2"})])

    assert [found.of(key(name)) for name in "abc"] == [0, 0, -2]
    assert waves_of([manifest("a", {})]) is FLAT


def test_the_wave_of_argo_cd_is_read_when_ours_is_absent() -> None:
    found = waves_of(
        [
            manifest("a", {ARGO_WAVE: "3"}),
            manifest("b", {ARGO_WAVE: "3", WAVE: "1"}),
            manifest("c", {ARGO_WAVE: "soon"}),
        ]
    )

    assert [found.of(key(name)) for name in "abc"] == [3, 1, 0]
    assert not found.errors


@pytest.mark.parametrize("written", ["shop", ""])
def test_a_namespace_may_be_left_out_in_git(written: str) -> None:
    found = waves_of([manifest("a", {WAVE: "2"}, namespace=written)])

    assert found.of(key("a")) == 2


def test_a_wave_that_is_no_whole_number_is_refused_by_name() -> None:
    found = waves_of([manifest("a", {WAVE: "last"}, namespace="shop")])
    plan = without_unreadable(plan_of(a=Action.CREATE, b=Action.CREATE), found)

    assert names(plan) == ["b"]
    assert str(plan.refused[key("a")]) == (
        "ConfigMap shop/a (a.yaml:1): annotation shoal.dev/wave is no whole number; "
        "correct the annotation in Git"
    )


def test_a_wave_waits_until_the_one_before_is_written_and_healthy() -> None:
    plan = plan_of(a=Action.CREATE, b=Action.CREATE, c=Action.CREATE)
    order = waves(b=1, c=2)

    first = turn(plan, order, (), lambda _: False)
    unhealthy = turn(plan_of(b=Action.CREATE, c=Action.CREATE), order, [key("a")], lambda _: False)
    second = turn(plan_of(b=Action.CREATE, c=Action.CREATE), order, [key("a")], lambda _: True)

    assert (names(first.now), names(first.later)) == (["a"], ["b", "c"])
    assert (names(unhealthy.now), unhealthy.blockers) == ([], {key("a")})
    assert (names(second.now), names(second.later)) == (["b"], ["c"])


def test_an_object_that_is_refused_stops_later_waves_and_not_its_own() -> None:
    plan = Plan(
        TARGET,
        plan_of(a=Action.UPDATE, b=Action.UPDATE).changes,
        refused={key("x"): InvalidManifest("no")},
    )

    found = turn(plan, waves(b=1), (), lambda _: True)

    assert names(found.now) == ["a"]
    assert found.now.refused == plan.refused
    assert key("x") in found.blockers


def test_corrections_do_not_wait_for_waves() -> None:
    plan = plan_of(a=Action.CREATE, b=Action.CORRECT, c=Action.UPDATE)

    found = turn(plan, waves(b=5, c=5), (), lambda _: False)

    assert (names(found.now), names(found.later)) == (["a", "b"], ["c"])


def test_nothing_is_deleted_while_a_wave_waits() -> None:
    plan = plan_of(a=Action.CREATE, b=Action.CREATE, old=Action.DELETE)

    found = turn(plan, waves(b=1), [key("old")], lambda _: True)

    assert (names(found.now), names(found.later)) == (["a"], ["b", "old"])


def test_deletions_go_in_reverse_order_of_waves() -> None:
    plan = plan_of(a=Action.DELETE, b=Action.DELETE, c=Action.DELETE, d=Action.DELETE)

    assert [names(each) for each in backwards(plan, waves(b=1, d=-1))] == [["b"], ["a", "c"], ["d"]]
    assert backwards(plan, FLAT) == [plan]


NAMES = st.sampled_from("abcdefgh")


@given(
    st.dictionaries(NAMES, st.sampled_from(list(Action)), max_size=8),
    st.dictionaries(NAMES, st.integers(-2, 3), max_size=8),
    st.frozensets(NAMES),
    st.frozensets(NAMES),
)
def test_every_change_is_now_or_later_and_nothing_overtakes(
    actions: dict[str, Action],
    numbers: dict[str, int],
    owned: frozenset[str],
    ill: frozenset[str],
) -> None:
    order, plan = waves(**numbers), plan_of(**dict(sorted(actions.items())))

    found = turn(plan, order, [key(name) for name in owned], lambda each: each.name not in ill)

    assert sorted(names(found.now) + names(found.later)) == sorted(actions)
    waiting = (Action.CREATE, Action.ADOPT, Action.UPDATE, Action.RECREATE)
    written = [each.key for each in found.now.changes if each.action in waiting]
    later = [each.key for each in found.later.changes if each.action in waiting]
    assert all(each.action is not Action.CORRECT for each in found.later.changes)
    if written and later:
        assert max(map(order.of, written)) < min(map(order.of, later))
    for each in written:
        gone = {one.key for one in plan.changes if one.action in (Action.DELETE, Action.HAND_OVER)}
        before = {key(n) for n in owned} - gone - {one.key for one in plan.changes}
        lower = [one for one in before if order.of(one) < order.of(each)]
        assert not [one for one in lower if one.name in ill]
    if later:
        assert found.blockers or written
