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
from shoal.planning.holding import hold_for, removal_hold

Make = Callable[..., Manifest]
NOW = datetime(2026, 1, 1)
TARGET = TargetKey(Ref("shop", "web"), "prod")


def suspension(subject: str = "shop/web", until: datetime | None = None) -> Hold:
    return Hold(subject, HoldCause.SUSPENDED, "moving house", "ana", NOW, until=until)


def approval(hold: Hold, until: datetime = NOW + timedelta(hours=1)) -> Approval:
    return Approval(hold.id, hold.subject, hold.content, "ana", "known", NOW, until)


def hold_of(
    plan: Plan,
    desired: Desired,
    owned_count: int = 2,
    suspensions: tuple[Hold, ...] = (),
    approvals: tuple[Approval, ...] = (),
) -> Hold | None:
    return hold_for(
        plan,
        desired,
        owned_count=owned_count,
        suspensions=suspensions,
        approvals=approvals,
        now=NOW,
    )


def test_an_ordinary_plan_is_not_held(
    plan: Callable[..., Plan], desired: Callable[..., Desired], manifest: Make
) -> None:
    assert hold_of(plan(("ConfigMap", Action.DELETE)), desired(manifest())) is None


def test_a_suspended_application_is_held_on_every_cluster(
    plan: Callable[..., Plan], desired: Callable[..., Desired], manifest: Make
) -> None:
    hold = hold_of(plan(), desired(manifest()), suspensions=(suspension("a/b"), suspension()))

    assert hold is not None
    assert hold == suspension()
    assert hold.release == "shoal resume shop/web"


def test_a_suspension_ends_when_it_expires(
    plan: Callable[..., Plan], desired: Callable[..., Desired], manifest: Make
) -> None:
    assert hold_of(plan(), desired(manifest()), suspensions=(suspension(until=NOW),)) is None


def test_of_several_suspensions_the_oldest_that_stands_is_told(
    plan: Callable[..., Plan], desired: Callable[..., Desired], manifest: Make
) -> None:
    over, first, second = (
        replace(suspension(until=until), since=NOW - timedelta(days=days))
        for days, until in ((3, NOW), (2, NOW + timedelta(days=1)), (1, None))
    )

    for suspensions in ((over, first, second), (second, first, over)):
        assert hold_of(plan(), desired(manifest()), suspensions=suspensions) == first


def test_only_a_suspension_suspends(
    plan: Callable[..., Plan], desired: Callable[..., Desired], manifest: Make
) -> None:
    other = replace(suspension(), cause=HoldCause.REMOVING)

    assert hold_of(plan(), desired(manifest()), suspensions=(other,)) is None


def test_one_object_is_spoken_of_as_one(
    plan: Callable[..., Plan], desired: Callable[..., Desired]
) -> None:
    hold = hold_of(plan(("ConfigMap", Action.DELETE)), desired(), owned_count=1)

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
    assert hold_of(plan(), desired(), owned_count=0) is None


def test_an_approval_lifts_the_hold_it_names_until_it_expires(
    plan: Callable[..., Plan], desired: Callable[..., Desired]
) -> None:
    one, other = plan(("ConfigMap", Action.DELETE)), plan(("Secret", Action.DELETE))
    hold = hold_of(one, desired())
    assert hold is not None

    assert hold_of(one, desired(), approvals=(approval(hold),)) is None
    assert hold_of(one, desired(), approvals=(approval(hold, until=NOW),)) == hold
    assert hold_of(other, desired(), approvals=(approval(hold),)) is not None


def test_an_approval_does_not_end_a_suspension(
    plan: Callable[..., Plan], desired: Callable[..., Desired], manifest: Make
) -> None:
    hold = suspension()

    found = hold_of(plan(), desired(manifest()), suspensions=(hold,), approvals=(approval(hold),))

    assert found == hold


def test_a_removal_is_held_with_its_reason() -> None:
    hold = removal_hold(TARGET, 1, "the Application is gone from Git", NOW)

    assert (hold.cause, hold.subject) == (HoldCause.REMOVING, "shop/web@prod")
    assert (hold.by, hold.since, hold.content) == ("shoal", NOW, "")
    assert hold.reason == (
        "1 object of shop/web would be deleted from cluster prod, because the Application is gone "
        "from Git; without approval it is kept"
    )


def test_an_approval_of_one_removal_is_not_one_of_the_next() -> None:
    first = removal_hold(TARGET, 3, "gone", NOW, content="r1")

    assert first.id == replace(first, since=NOW + timedelta(days=1)).id
    assert first.id != removal_hold(TARGET, 3, "gone", NOW, content="r2").id


@given(st.integers(0, 5), st.booleans(), st.booleans(), st.booleans())
def test_nothing_is_emptied_without_a_hold_or_an_approval(
    owned_count: int, is_empty: bool, is_suspended: bool, is_approved: bool
) -> None:
    changes = tuple(
        Change(ObjectKey("", "ConfigMap", "shop", str(number)), Action.DELETE, "a", None)
        for number in range(owned_count)
    )
    plan = Plan(TARGET, changes)
    manifests = () if is_empty else (Manifest({"kind": "ConfigMap"}, ""),)
    desired = Desired(
        TARGET, Grant(TARGET, "r", "head", NOW), "d", Content("c", manifests), SyncPolicy()
    )
    hold = Hold(str(TARGET), HoldCause.EMPTY_RENDER, "", "", NOW, plan.hash)

    found = hold_of(
        plan,
        desired,
        owned_count,
        (suspension(),) if is_suspended else (),
        (approval(hold),) if is_approved else (),
    )

    must_wait = is_suspended or (is_empty and owned_count > 0 and not is_approved)
    assert (found is not None) == must_wait
