"""What `shoal doctor` says of clusters that were looked at: one line each if all is well. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from shoal.composition.diagnosing import Check, failed, failed_by, ok, warning
from shoal.composition.examining import Examined
from shoal.model.examinations import Examination, Refusal

SKEW_SECONDS = 5.0
"""Clocks that are further apart than this make tokens and certificates fail."""
_SHOWN = 3


def cluster_checks(found: Sequence[Examined]) -> list[Check]:
    """What there is to say of each cluster, and of those that are one and the same."""
    return [*(check for each in found for check in _of_one(each)), *_twins(found)]


def clock_in_words(ahead_seconds: float | None) -> str:
    """How far a clock is off; empty when it is near enough, or nobody knows."""
    if ahead_seconds is None or abs(ahead_seconds) <= SKEW_SECONDS:
        return ""
    which = "ahead of" if ahead_seconds > 0 else "behind"
    return f"its clock is {abs(ahead_seconds):.0f} s {which} the one here"


def _of_one(each: Examined) -> Iterator[Check]:
    subject = f"cluster {each.cluster}"
    one = each.examination
    if one is None:
        if each.error is not None:
            yield failed_by(subject, each.error)
        return
    yield ok(subject, f"{one.version} answers in {one.latency_seconds * 1000:.0f} ms{_told(one)}")
    if clock := clock_in_words(one.clock_ahead_seconds):
        yield warning(subject, clock, "let both machines keep their time by NTP")
    for doubt in one.doubts:
        yield warning(subject, doubt)
    if needed := [refusal for refusal in one.refused if refusal.is_needed]:
        yield failed(
            subject, f"does not allow what is delivered there: {_listed(needed)}", _rbac(each)
        )
    if told := [refusal for refusal in one.refused if not refusal.is_needed]:
        yield warning(subject, f"does not allow what says more: {_listed(told)}", _rbac(each))


def _told(one: Examination) -> str:
    if one.is_all_allowed:
        return ", everything is allowed"
    return "" if one.refused else ", what is needed is allowed"


def _rbac(each: Examined) -> str:
    return f"`shoal cluster rbac -c {each.cluster}` prints the rights that it takes"


def _listed(refusals: Sequence[Refusal]) -> str:
    shown = "; ".join(map(str, refusals[:_SHOWN]))
    return shown + (f"; and {len(refusals) - _SHOWN} more" if len(refusals) > _SHOWN else "")


def _twins(found: Sequence[Examined]) -> Iterator[Check]:
    """Two documents that lead to one cluster: the controller refuses the second."""
    names: dict[str, list[str]] = defaultdict(list)
    for each in found:
        if each.examination is not None:
            names[each.examination.uid].append(each.cluster)
    for uid, alike in names.items():
        if len(alike) > 1:
            first, *others = alike
            yield failed(
                f"cluster {others[0]}",
                f"is the same one as {first}, by their uid {uid}",
                "remove one of the two documents: `shoal cluster rm`",
            )
