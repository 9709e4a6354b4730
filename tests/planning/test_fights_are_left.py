"""Who changes an object back again and again is not convinced by one correction more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shoal.model.holds import HoldCause
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Action, Change
from shoal.planning.fighting import (
    MOST_CORRECTIONS,
    WINDOW,
    Struggle,
    is_reset,
    still_counting,
)
from shoal.planning.holding import conflict_hold, fought_over

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ObjectKey("apps", "Deployment", "shop", "web")
TARGET = TargetKey(Ref("default", "shop"), "prod")


def corrected(times: int, every: timedelta = timedelta(seconds=20)) -> Struggle:
    struggle = Struggle()
    for number in range(times):
        struggle = struggle.corrected(NOW + every * number)
    return struggle


def test_the_first_correction_comes_at_once_and_each_further_one_later() -> None:
    waits = []
    for times in range(1, MOST_CORRECTIONS):
        last = NOW + timedelta(seconds=20) * (times - 1)
        waits.append((corrected(times).next_at(last) - last).total_seconds())

    assert Struggle().next_at(NOW) == NOW
    assert waits == [1, 2, 4, 8]


def test_five_corrections_in_ten_minutes_are_a_fight() -> None:
    assert not corrected(4).is_fight(NOW + timedelta(seconds=90))
    assert corrected(5).is_fight(NOW + timedelta(seconds=90))


def test_five_corrections_over_a_longer_time_are_none() -> None:
    every = timedelta(minutes=3)

    assert not corrected(5, every).is_fight(NOW + every * 4)


def test_a_struggle_is_over_ten_minutes_after_its_last_correction() -> None:
    struggles = {KEY: corrected(1)}

    assert still_counting(struggles, NOW + WINDOW - timedelta(seconds=1)) == struggles
    assert still_counting(struggles, NOW + WINDOW) == {}


@given(st.lists(st.integers(0, 2000), max_size=40))
def test_no_more_than_five_corrections_are_remembered(seconds: list[int]) -> None:
    struggle = Struggle()
    for at in sorted(seconds):
        struggle = struggle.corrected(NOW + timedelta(seconds=at))

    assert len(struggle.corrections) == min(len(struggle.corrections), MOST_CORRECTIONS)
    assert list(struggle.corrections) == sorted(struggle.corrections)


@given(st.lists(st.integers(0, 300), max_size=40))
def test_who_waits_as_told_never_corrects_more_than_five_times_in_ten_minutes(
    seconds: list[int],
) -> None:
    struggle, done = Struggle(), list[datetime]()
    for at in sorted(seconds):
        now = NOW + timedelta(seconds=at)
        if not struggle.is_fight(now) and struggle.next_at(now) <= now:
            struggle = struggle.corrected(now)
            done.append(now)

    assert len(done) <= MOST_CORRECTIONS


def test_the_hold_names_the_client_and_the_object() -> None:
    change = Change(KEY, Action.CORRECT, "a", "b")

    hold = conflict_hold(TARGET, change, corrected(5), "scaler", NOW)
    later = conflict_hold(TARGET, change, corrected(6), "scaler", NOW)

    assert hold.cause is HoldCause.CONFLICT
    assert hold.reason == (
        "Deployment.apps shop/web in cluster prod was changed back 5 times in 10 minutes by "
        "client scaler; it is left as it is until that stops or you let it be corrected again"
    )
    assert fought_over(hold) == KEY
    assert hold.id != later.id


@given(st.integers(0, 50), st.integers(0, 200))
def test_a_fifth_of_a_target_and_three_objects_at_once_are_a_reset(
    drifted: int, owned: int
) -> None:
    assert is_reset(drifted, owned) == (drifted >= 3 and drifted > owned * 0.2)
