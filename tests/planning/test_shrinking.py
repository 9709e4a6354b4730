"""How much of a fleet may go at once, and what is held together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.holds import Approval, Hold, HoldCause
from shoal.planning.shrinking import WINDOW, Gone, Judgement, LetGo, Sort, allowance, judge

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def gone(*names: str, sort: Sort = Sort.APPLICATION) -> dict[Gone, str]:
    return {Gone(sort, f"default/{name}"): f"{name}.yaml" for name in names}


def judged(
    missing: dict[Gone, str],
    there: int = 0,
    let_go: dict[Gone, LetGo] | None = None,
    *,
    unreadable: tuple[str, ...] = (),
    approved: Hold | None = None,
    too_late: tuple[Gone, ...] = (),
    now: datetime = NOW,
) -> Judgement:
    approvals = {}
    if approved is not None:
        until = NOW + timedelta(hours=1)
        approvals[approved.id] = Approval(approved.id, "fleet", "", "ana", "yes", NOW, until)
    return judge(
        missing,
        dict.fromkeys(Sort, there),
        let_go or {},
        too_late=too_late,
        unreadable=unreadable,
        approvals=approvals,
        now=now,
    )


@pytest.mark.parametrize(
    ("total", "may_go"), [(1, 1), (9, 1), (19, 1), (20, 2), (30, 3), (31, 3), (10_000, 3)]
)
def test_a_tenth_may_go_at_least_one_and_at_most_three(total: int, may_go: int) -> None:
    assert allowance(total) == may_go


def test_the_only_application_may_go() -> None:
    assert judged(gone("shop")).hold is None


def test_more_than_that_is_held_as_one_event_with_one_sentence() -> None:
    result = judged({**gone("a", "b", "c", "d"), **gone("x", sort=Sort.CLUSTER)}, there=8)

    assert result.hold is not None
    assert (result.hold.cause, result.hold.subject) == (HoldCause.REMOVAL_BUDGET, "fleet")
    assert result.hold.reason == (
        "4 applications (default/a, default/b, default/c and 1 more) and 1 cluster (default/x) are "
        "not in the documents any more, and 4 of 12 applications at once is more than a person "
        "removes in passing; without approval all of it stays as it was"
    )
    assert result.hold.release == f"shoal approve {result.hold.id} --reason …"
    assert len(result.withheld) == 5


def test_a_single_removal_is_held_while_a_file_cannot_be_read() -> None:
    result = judged(gone("shop"), there=100, unreadable=("team.yaml",))

    assert result.hold is not None
    assert result.hold.reason == (
        "1 application (default/shop) is not in the documents any more, while team.yaml cannot be "
        "read, so that it may stand there; without approval all of it stays as it was"
    )


def test_what_goes_one_by_one_is_held_together_with_what_went_before() -> None:
    first = judged(gone("a"), there=9)
    second = judged(gone("b"), there=8, let_go=dict(first.let_go), now=NOW + 30 * SECOND)

    assert first.hold is None
    assert second.hold is not None
    assert second.withheld == {*gone("a", "b")}
    assert not second.let_go


def test_what_went_longer_ago_does_not_count() -> None:
    first = judged(gone("a"), there=9)
    second = judged(gone("b"), there=8, let_go=dict(first.let_go), now=NOW + WINDOW)

    assert second.hold is None
    assert second.let_go.keys() == gone("b").keys()


def test_what_cannot_be_saved_any_more_counts_and_is_not_withheld() -> None:
    first = judged(gone("a"), there=9)
    (lost,) = gone("a")
    second = judged(gone("b"), there=8, let_go=dict(first.let_go), too_late=(lost,))

    assert second.withheld == gone("b").keys()
    assert second.let_go == first.let_go


def test_what_was_approved_goes_and_counts_no_more() -> None:
    many = gone("a", "b", "c", "d")
    held = judged(many, there=9)
    approved = judged(many, there=9, approved=held.hold)
    later = judged(gone("e"), there=8, let_go=dict(approved.let_go), now=NOW + SECOND)

    assert approved.hold is None
    assert not approved.withheld
    assert approved.let_go.keys() == many.keys()
    assert later.hold is None


def test_an_approval_is_not_one_of_more_than_it_was_given_for() -> None:
    held = judged(gone("a", "b"), there=9)

    assert judged(gone("a", "b", "c"), there=8, approved=held.hold).hold is not None


names = st.sets(st.sampled_from("abcdefgh"), max_size=8)
ages = st.integers(0, 1200)


@given(names, st.dictionaries(st.sampled_from("ijklm"), ages), st.integers(0, 40))
def test_no_more_than_is_allowed_ever_goes_within_the_window(
    missing: set[str], before: dict[str, int], there: int
) -> None:
    let_go = {each: LetGo(NOW - before[name] * SECOND) for name in before for each in gone(name)}

    result = judged(gone(*missing), there, let_go)

    recent = [each for each in let_go if NOW - let_go[each].at < WINDOW]
    if missing and result.hold is None:
        total = there + len(missing) + len(recent)
        assert len(missing) + len(recent) <= allowance(total)
    assert not result.withheld or result.hold is not None
    assert (result.withheld | result.let_go.keys()) == gone(*missing).keys() | {*recent}


@given(names.filter(bool), st.integers(0, 1000))
def test_nothing_goes_while_something_cannot_be_read(missing: set[str], there: int) -> None:
    result = judged(gone(*missing), there, unreadable=("broken.yaml",))

    assert result.withheld == gone(*missing).keys()


@given(names)
def test_the_same_removals_are_one_hold_whenever_and_however_often_they_are_seen(
    missing: set[str],
) -> None:
    first = judged(gone(*missing))
    again = judged(gone(*sorted(missing, reverse=True)), now=NOW + timedelta(days=3))

    assert first.withheld == again.withheld
    if first.hold is not None:
        assert again.hold is not None
        assert replace(again.hold, since=NOW) == first.hold
