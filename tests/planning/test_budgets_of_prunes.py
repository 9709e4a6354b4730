"""How much may be deleted without a person: per target, and by one revision in the whole fleet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Action, Change, Plan
from shoal.planning.budgeting import (
    RevisionPrunes,
    expected_deletions,
    is_shrunk,
    why_beyond_budget,
)

TARGET = TargetKey(Ref("default", "shop"), "prod")


def key(name: str, kind: str = "ConfigMap", group: str = "") -> ObjectKey:
    return ObjectKey(group, kind, "shop", name)


def deployment(name: str) -> ObjectKey:
    return key(name, "Deployment", "apps")


def plan_of(*changes: tuple[Action, ObjectKey]) -> Plan:
    return Plan(TARGET, tuple(Change(each, action, "a", "b") for action, each in changes))


def deleting(*keys: ObjectKey) -> Plan:
    return plan_of(*((Action.DELETE, each) for each in keys))


def maps(count: int) -> list[ObjectKey]:
    return [key(f"m{number:03}") for number in range(count)]


@given(st.integers(1, 60), st.integers(0, 60))
def test_more_than_a_quarter_and_more_than_one_needs_a_person(owned: int, gone: int) -> None:
    there = maps(owned)
    gone = min(gone, owned)

    why = why_beyond_budget(deleting(*there[:gone]), there)

    assert bool(why) == (gone > max(1, owned * 0.25))


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("Namespace", ""),
        ("CustomResourceDefinition", "apiextensions.k8s.io"),
        ("PersistentVolume", ""),
        ("PersistentVolumeClaim", ""),
        ("StatefulSet", "apps"),
    ],
)
def test_what_holds_data_or_takes_more_with_it_needs_a_person(kind: str, group: str) -> None:
    precious = key("data", kind, group)

    why = why_beyond_budget(deleting(precious), [precious, *maps(50)])

    assert why == f"among them {precious}"


def test_the_last_workload_needs_a_person() -> None:
    there = [deployment("web"), *maps(9)]

    assert why_beyond_budget(deleting(there[0]), there) == "among them the last workload"


def test_a_workload_that_is_not_the_last_one_does_not() -> None:
    one, other = deployment("web"), deployment("api")
    replaced = plan_of((Action.DELETE, one), (Action.CREATE, other))

    assert why_beyond_budget(deleting(one), [one, other, *maps(8)]) == ""
    assert why_beyond_budget(replaced, [one, *maps(8)]) == ""


def test_what_is_recreated_or_handed_over_is_no_prune() -> None:
    there = [deployment("web"), *maps(4)]
    plan = plan_of(*((Action.RECREATE, each) for each in there[:2]))
    moved = plan_of(*((Action.HAND_OVER, each) for each in there))

    assert why_beyond_budget(plan, there) == ""
    assert why_beyond_budget(moved, there) == ""


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_set_that_shrinks_below_half_is_likely_a_mistake(wanted: int, owned: int) -> None:
    """fluxcd/flux2#2421 and argoproj/argo-cd#7412: half a render pruned the other half."""
    gone = deleting(*maps(max(0, owned - wanted)))

    assert is_shrunk(gone, wanted, owned) == (wanted < owned / 2)


def test_a_set_that_only_looks_small_deletes_nothing_and_is_not_shrunk() -> None:
    assert not is_shrunk(plan_of((Action.UPDATE, key("a"))), wanted=1, owned=10)


@pytest.mark.parametrize(
    ("objects", "deletions", "is_within"),
    [(100, 50, True), (100, 51, False), (4000, 200, True), (4000, 201, False)],
)
def test_one_revision_deletes_at_most_fifty_or_a_twentieth_of_the_fleet(
    objects: int, deletions: int, is_within: bool
) -> None:
    prunes = RevisionPrunes(objects)
    prunes.expect(TARGET, deletions)

    assert (prunes.why_beyond_budget() == "") == is_within


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=10),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=20),
)
def test_what_was_deleted_already_counts_like_what_is_to_come(
    expected: list[tuple[int, int]], steps: list[tuple[int, int]]
) -> None:
    prunes = RevisionPrunes(1000)
    targets = [TargetKey(Ref("default", "shop"), f"c{number}") for number in range(10)]
    for number, count in expected:
        prunes.expect(targets[number], count)
    total = sum(prunes.expected.values())

    for number, count in steps:
        prunes.deleted(targets[number], min(count, prunes.expected.get(targets[number], 0)))

    assert prunes.done + sum(prunes.expected.values()) == total


def test_the_sentence_names_what_is_done_and_what_is_to_come() -> None:
    prunes = RevisionPrunes(200)
    prunes.expect(TARGET, 60)
    prunes.deleted(TARGET, 20)

    assert prunes.why_beyond_budget() == (
        "and its revision would delete 60 of 200 in the whole fleet, 20 of them already"
    )


def test_a_namespace_that_is_left_out_in_git_hides_no_object() -> None:
    owned = [key("a"), key("b"), ObjectKey("", "Namespace", "", "shop")]
    wanted = [ObjectKey("", "ConfigMap", "", "a"), ObjectKey("", "Namespace", "odd", "shop")]

    assert expected_deletions(owned, wanted) == 1
