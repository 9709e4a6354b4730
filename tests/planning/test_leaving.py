"""How an application leaves a cluster, and when that is a person's business."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.policies import LeavingPolicy, SyncPolicy
from shoal.planning.leaving import FleetLoad, Leaving, Removal, goes_at, leaving, removal_hold

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(minutes=10)
TARGET = TargetKey(Ref("shop", "web"), "prod")
GONE = Removal("application shop/web was removed from the fleet", LeavingPolicy.DELETE)
ORPHANED = replace(GONE, policy=LeavingPolicy.ORPHAN)
LARGE_FLEET = FleetLoad(10_000)

times = st.integers(-3, 3).map(lambda hours: NOW + timedelta(hours=hours))


def keys(*kinds: str) -> list[ObjectKey]:
    return [ObjectKey("", kind, "shop", f"x{number}") for number, kind in enumerate(kinds)]


def held(
    *kinds: str, removal: Removal = GONE, fleet: FleetLoad = LARGE_FLEET, **more: object
) -> Hold:
    given = {"now": NOW, "grace": GRACE, "fleet": fleet, **more}
    return removal_hold(TARGET, keys(*kinds), removal, **given)  # type: ignore[arg-type] # shortened


def approval(until: datetime) -> Approval:
    return Approval("hold-1", str(TARGET), "", "ana", "closed", NOW, until)


def suspension(until: datetime | None) -> Hold:
    return Hold("shop/web", HoldCause.SUSPENDED, "wait", "ana", NOW, until=until)


def test_a_removal_says_when_it_ends_and_what_undoes_it() -> None:
    hold = held("ConfigMap", "Service")

    assert (hold.cause, hold.subject, hold.by) == (HoldCause.REMOVING, "shop/web@prod", "shoal")
    assert (hold.since, hold.until) == (NOW, NOW + GRACE)
    assert hold.reason == (
        "2 objects of shop/web will be deleted from cluster prod at 2026-01-01 00:10:00 UTC, "
        "because application shop/web was removed from the fleet; until then they are kept, and "
        "putting it back undoes that"
    )


def test_what_is_not_to_be_deleted_is_said_to_stay() -> None:
    hold = held("ConfigMap", removal=ORPHANED)

    assert hold.until == NOW + GRACE
    assert "1 object of shop/web will be left in cluster prod as nobody's at 2026-" in hold.reason
    assert "until then it is kept" in hold.reason


@pytest.mark.parametrize("kind", ["Namespace", "PersistentVolumeClaim", "PersistentVolume"])
def test_what_holds_data_or_takes_more_with_it_waits_for_a_person(kind: str) -> None:
    hold = held("ConfigMap", kind)

    assert hold.until is None
    assert hold.reason == (
        "2 objects of shop/web would be deleted from cluster prod, because application shop/web "
        f"was removed from the fleet; among them is {kind} shop/x1: without approval they are kept"
    )
    assert held("ConfigMap", kind, removal=ORPHANED).until is not None


def test_a_removal_of_much_of_the_fleet_waits_for_a_person() -> None:
    at_the_edge = FleetLoad(100, leaving=48)

    assert held("ConfigMap", "Service", fleet=at_the_edge).until is not None
    beyond = held("ConfigMap", "Service", "Secret", fleet=at_the_edge)
    assert beyond.until is None
    assert "51 of the 100 objects of the whole fleet are to be deleted" in beyond.reason


def test_a_removal_that_is_looked_at_again_keeps_its_times() -> None:
    first = held("ConfigMap", "Secret")
    later = held("ConfigMap", before=first, now=NOW + timedelta(minutes=9))

    assert (later.id, later.group) == (first.id, first.group)
    assert (later.since, later.until) == (first.since, first.until)
    assert later.reason.startswith("1 object of shop/web")


def test_an_approval_of_one_removal_is_not_one_of_the_next() -> None:
    first, second = held("ConfigMap", content="r1"), held("ConfigMap", content="r2")

    assert first.id != second.id
    assert first.group != held("ConfigMap", now=NOW + GRACE).group


def test_the_removal_of_one_application_is_one_group() -> None:
    elsewhere = removal_hold(
        TARGET._replace(cluster="dev"), keys("Pod"), GONE, now=NOW, grace=GRACE, fleet=LARGE_FLEET
    )

    assert elsewhere.group == held("ConfigMap").group
    assert elsewhere.id != held("ConfigMap").id


@given(st.none() | times, st.none() | times, st.lists(st.none() | times, max_size=2), times)
def test_nothing_goes_before_its_time_without_an_approval_or_against_a_suspension(
    ends: datetime | None,
    approved_until: datetime | None,
    suspended_until: list[datetime | None],
    now: datetime,
) -> None:
    hold = replace(held("ConfigMap"), until=ends)
    given_approval = approval(approved_until) if approved_until else None
    suspensions = [suspension(until) for until in suspended_until]

    at = goes_at(hold, given_approval, suspensions, now)

    is_approved = approved_until is not None and approved_until > now
    if at is not None and at <= now:
        assert is_approved or (ends is not None and ends <= now)
        assert all(until is not None and until <= now for until in suspended_until)
    if is_approved and not suspensions:
        assert at == now


def test_a_removal_that_nobody_holds_and_nobody_approved_does_not_go() -> None:
    assert goes_at(None, None, (), NOW) is None
    assert goes_at(None, approval(NOW), (), NOW) is None


@pytest.mark.parametrize("said", [{"prune": "Never"}, {"mode": "Observe"}])
def test_what_never_deletes_does_not_delete_when_it_goes(said: dict[str, str]) -> None:
    always = {"whenApplicationRemoved": "Delete", "whenClusterLeft": "Delete"}

    assert leaving(SyncPolicy.model_validate({**said, **always})) == Leaving(
        LeavingPolicy.ORPHAN, LeavingPolicy.ORPHAN
    )


def test_what_becomes_of_the_objects_is_what_the_document_says() -> None:
    said = SyncPolicy.model_validate({"whenApplicationRemoved": "Orphan"})

    assert leaving(said) == Leaving(LeavingPolicy.ORPHAN, LeavingPolicy.DELETE)
    assert leaving(SyncPolicy()) == Leaving()
