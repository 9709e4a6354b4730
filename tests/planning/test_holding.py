"""What must wait for a person."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.manifests import Manifest
from shoal.model.plans import Action, Change, Content, Desired, Grant, Plan
from shoal.model.policies import SyncPolicy
from shoal.planning.holding import (
    Circumstances,
    decide,
    doubts,
    free_part,
    suspension_of,
)

Make = Callable[..., Manifest]
NOW = datetime(2026, 1, 1)
TARGET = TargetKey(Ref("shop", "web"), "prod")


def key(name: str, kind: str = "ConfigMap") -> ObjectKey:
    return ObjectKey("", kind, "shop", name)


def suspension(subject: str = "shop/web", until: datetime | None = None) -> Hold:
    return Hold(subject, HoldCause.SUSPENDED, "moving house", "ana", NOW, until=until)


def approval(hold: Hold, until: datetime = NOW + timedelta(hours=1)) -> Approval:
    return Approval(hold.id, hold.subject, hold.content, "ana", "known", NOW, until)


def hold_of(
    plan: Plan,
    desired: Desired,
    owned: int = 2,
    approvals: tuple[Approval, ...] = (),
    *,
    lacking: tuple[Ref, ...] = (),
) -> Hold | None:
    known = Circumstances(owned=[key(f"x{number}") for number in range(owned)], lacking=lacking)
    approved = {each.hold: each for each in approvals}
    found = doubts(plan, desired, known, NOW)
    return decide(found, approvals=approved, released={}, now=NOW).hold


def test_an_ordinary_plan_is_not_held(
    plan: Callable[..., Plan], desired: Callable[..., Desired], manifest: Make
) -> None:
    assert hold_of(plan(("ConfigMap", Action.DELETE)), desired(manifest())) is None


def test_a_suspended_application_is_held_on_every_cluster() -> None:
    hold = suspension_of(TARGET, (suspension("a/b"), suspension()), NOW)

    assert hold is not None
    assert hold == suspension()
    assert hold.release == "shoal resume shop/web"


def test_a_suspension_ends_when_it_expires() -> None:
    assert suspension_of(TARGET, (suspension(until=NOW),), NOW) is None


def test_a_suspension_stops_corrections_too(plan: Callable[..., Plan]) -> None:
    found = free_part(plan(("ConfigMap", Action.CORRECT)), suspension())

    assert found.changes == ()


def test_of_several_suspensions_the_oldest_that_stands_is_told() -> None:
    over, first, second = (
        replace(suspension(until=until), since=NOW - timedelta(days=days))
        for days, until in ((3, NOW), (2, NOW + timedelta(days=1)), (1, None))
    )

    for suspensions in ((over, first, second), (second, first, over)):
        assert suspension_of(TARGET, suspensions, NOW) == first


def test_only_a_suspension_suspends() -> None:
    other = replace(suspension(), cause=HoldCause.REMOVING)

    assert suspension_of(TARGET, (other,), NOW) is None


def test_one_object_is_spoken_of_as_one(
    plan: Callable[..., Plan], desired: Callable[..., Desired]
) -> None:
    hold = hold_of(plan(("ConfigMap", Action.DELETE)), desired(), 1)

    assert hold is not None
    assert "but 1 object of it is in cluster prod; without approval it is kept" in hold.reason
    assert (hold.by, hold.since) == ("shoal", NOW)


def test_a_render_that_became_empty_is_held_and_says_what_is_at_stake(
    plan: Callable[..., Plan], desired: Callable[..., Desired]
) -> None:
    deletion = plan(("ConfigMap", Action.DELETE), ("Secret", Action.DELETE))

    hold = hold_of(deletion, desired())

    assert hold is not None
    assert (hold.cause, hold.subject, hold.content) == (
        HoldCause.EMPTY_RENDER,
        "shop/web@prod",
        deletion.hash,
    )
    assert hold.reason == (
        "the source of shop/web renders to nothing, but 2 objects of it are in cluster prod; "
        "without approval they are kept"
    )
    assert hold.release == f"shoal approve {hold.id} --reason …"


def test_an_empty_render_where_nothing_was_is_not_held(
    plan: Callable[..., Plan], desired: Callable[..., Desired]
) -> None:
    assert hold_of(plan(), desired(), owned=0) is None


def test_no_more_is_said_to_be_deleted_than_is_there(
    plan: Callable[..., Plan], desired: Callable[..., Desired], manifest: Make
) -> None:
    deletion = plan(*[("ConfigMap", Action.DELETE)] * 2)

    hold = hold_of(deletion, desired(manifest()), owned=1)

    assert hold is not None
    assert hold.reason.startswith("2 of 2 objects of shop/web would be deleted")


def test_an_approval_lifts_the_hold_it_names_until_it_expires(
    plan: Callable[..., Plan], desired: Callable[..., Desired]
) -> None:
    one, other = plan(("ConfigMap", Action.DELETE)), plan(("Secret", Action.DELETE))
    hold = hold_of(one, desired())
    assert hold is not None

    assert hold_of(one, desired(), 1, (approval(hold),)) is None
    assert hold_of(one, desired(), 2, (approval(hold, until=NOW),)) == hold
    assert hold_of(other, desired(), 2, (approval(hold),)) is not None


def test_what_was_let_go_stays_so_while_the_rest_of_it_is_carried_out(
    plan: Callable[..., Plan], desired: Callable[..., Desired]
) -> None:
    whole = plan(("ConfigMap", Action.DELETE), ("Secret", Action.DELETE))
    rest = replace(whole, changes=whole.changes[1:])
    more = replace(whole, changes=(Change(key("new"), Action.DELETE, "a", None), *rest.changes))
    known = Circumstances(owned=[each.key for each in whole.changes])
    hold = hold_of(whole, desired())
    assert hold is not None

    def decided(plan: Plan, now: datetime = NOW) -> Hold | None:
        found = doubts(plan, desired(), known, now)
        return decide(found, approvals={}, released=first.released, now=now).hold

    first = decide(
        doubts(whole, desired(), known, NOW),
        approvals={hold.id: approval(hold)},
        released={},
        now=NOW,
    )

    assert first.hold is None
    assert decided(rest) is None
    assert decided(more) is not None
    assert decided(rest, NOW + timedelta(hours=1)) is not None


def test_a_lacking_dependency_stops_what_comes_from_git_and_not_corrections(
    plan: Callable[..., Plan], desired: Callable[..., Desired], manifest: Make
) -> None:
    whole = plan(("ConfigMap", Action.UPDATE), ("Secret", Action.CORRECT))
    lacking = (Ref("shop", "db"),)

    hold = hold_of(whole, desired(manifest()), lacking=lacking)
    correction = plan(("ConfigMap", Action.CORRECT))

    assert hold is not None
    assert hold.cause is HoldCause.DEPENDENCY
    assert hold.reason == (
        "shop/web on cluster prod waits until application shop/db is synced and healthy there"
    )
    assert [each.action for each in free_part(whole, hold).changes] == [Action.CORRECT]
    assert hold_of(correction, desired(manifest()), lacking=lacking) is None


def test_the_same_change_on_many_clusters_is_one_group_and_another_change_is_not(
    desired: Callable[..., Desired],
) -> None:
    def held(cluster: str, name: str, before: str) -> Hold:
        target = TargetKey(Ref("shop", "web"), cluster)
        changes = (Change(key(name), Action.DELETE, before, None),)
        hold = hold_of(Plan(target, changes), desired(), 1)
        assert hold is not None
        return hold

    one, same, other = held("a", "x", "1"), held("b", "x", "2"), held("a", "y", "1")

    assert one.id != same.id
    assert one.group == same.group
    assert one.group != other.group
    assert one.group.startswith("group-")


def test_the_approval_of_a_group_lifts_every_hold_of_it(
    plan: Callable[..., Plan], desired: Callable[..., Desired]
) -> None:
    deletion = plan(("ConfigMap", Action.DELETE))
    elsewhere = replace(deletion, target=TargetKey(Ref("shop", "web"), "dev"))
    hold = hold_of(deletion, desired())
    assert hold is not None
    of_group = replace(approval(hold), hold=hold.group, subject="", content="")

    assert hold_of(elsewhere, desired(), 1, (of_group,)) is None
    assert hold_of(elsewhere, desired(), 1, (approval(hold),)) is not None


@given(st.integers(0, 5), st.booleans(), st.booleans())
def test_nothing_is_emptied_without_a_hold_or_an_approval(
    owned_count: int, is_empty: bool, is_approved: bool
) -> None:
    changes = tuple(
        Change(key(str(number)), Action.DELETE, "a", None) for number in range(owned_count)
    )
    plan = Plan(TARGET, changes)
    manifests = () if is_empty else (Manifest({"kind": "ConfigMap"}, ""),) * 5
    desired = Desired(
        TARGET, Grant(TARGET, "r", "head", NOW), "d", Content("c", manifests), SyncPolicy()
    )
    approvals: list[Approval] = []
    if is_approved:
        known = Circumstances(owned=[each.key for each in changes])
        approvals = [approval(each.hold) for each in doubts(plan, desired, known, NOW)]

    found = hold_of(plan, desired, owned_count, tuple(approvals))

    may_not_go_on = owned_count > 0 and (is_empty or owned_count > 1) and not is_approved
    assert (found is not None) == may_not_go_on
