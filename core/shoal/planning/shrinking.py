"""How much of a fleet may go at once: a few documents are a wish, many are more often an accident.

A half-done checkout, a wrong folder, a refactoring that lost a file or a selector that matches
nothing look like removals. What went within the last ten minutes counts together, so that what goes
one by one is no less than what goes at once; and nothing goes while a part of the documents cannot
be read, for it may stand there. What is doubtful is held as one event.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from shoal.model import phrases
from shoal.model.digests import digest_parts
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.planning.holding import is_approved

SUBJECT = "fleet"
WINDOW = timedelta(minutes=10)
AT_MOST = 3  # however large the fleet is: more than a person removes in passing
_NAMED = 3


class Sort(StrEnum):
    """What can go. A target goes alone when its application does not select the cluster any more.

    One that goes with its application or its cluster is not counted once more.
    """

    APPLICATION = "application"
    CLUSTER = "cluster"
    SOURCE = "source"
    TARGET = "target"


class Gone(NamedTuple):
    """One thing that was there and is not written any more."""

    sort: Sort
    name: str

    def __str__(self) -> str:
        return f"{self.sort} {self.name}"


@dataclass(frozen=True, slots=True)
class LetGo:
    """A removal that took effect: since when; `is_agreed` when a person approved it.

    `file` is where a document stood.
    """

    at: datetime
    is_agreed: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is withheld, the one hold that says so, and what was let go within the window."""

    hold: Hold | None = None
    withheld: frozenset[Gone] = frozenset()
    let_go: Mapping[Gone, LetGo] = field(default_factory=dict)


def allowance(total: int) -> int:
    """How many of so many may go without a person: a tenth, at least one, at most three."""
    return min(AT_MOST, max(1, total // 10))


def judge(
    gone: Mapping[Gone, str],
    there: Mapping[Sort, int],
    let_go: Mapping[Gone, LetGo],
    *,
    too_late: Collection[Gone],
    unreadable: Collection[str],
    approvals: Mapping[str, Approval],
    now: datetime,
) -> Judgement:
    """What of `gone` may go now; held together with what went before it, if that can be saved.

    `gone` is what is not written any more and has not been let go, with the file where it stood;
    `there` counts what is still written, `let_go` is what went lately, `too_late` those of which
    nothing can be saved; `unreadable` are files that cannot be read whole.
    """
    recent = {each: one for each, one in let_go.items() if now - one.at < WINDOW}
    if not gone:
        return Judgement(let_go=recent)
    counted = frozenset(gone) | {each for each, one in recent.items() if not one.is_agreed}
    why = _doubt(counted, there, unreadable)
    hold = _hold(counted, there, why, now)
    is_agreed = bool(why) and is_approved(hold, approvals, now)
    if why and not is_agreed:
        withheld = counted.difference(too_late)
        lost = {each: one for each, one in recent.items() if each not in withheld}
        return Judgement(hold, withheld, lost)
    newly = {each: LetGo(now, is_agreed, file) for each, file in gone.items()}
    if is_agreed:
        recent = {each: LetGo(one.at, True, one.file) for each, one in recent.items()}
    return Judgement(let_go={**recent, **newly})


def _doubt(counted: frozenset[Gone], there: Mapping[Sort, int], unreadable: Collection[str]) -> str:
    if unreadable:
        files = phrases.some_of(sorted(unreadable), _NAMED)
        return f"while {files} cannot be read, so that it may stand there"
    beyond = [
        f"{len(names)} of {there.get(sort, 0) + len(names)} {sort}s"
        for sort, names in _by_sort(counted)
        if len(names) > allowance(there.get(sort, 0) + len(names))
    ]
    if not beyond:
        return ""
    return f"and {' and '.join(beyond)} at once is more than a person removes in passing"


def _hold(counted: frozenset[Gone], there: Mapping[Sort, int], why: str, now: datetime) -> Hold:
    gone = [
        f"{phrases.counted(len(names), sort)} ({phrases.some_of(names, _NAMED)})"
        for sort, names in _by_sort(counted)
    ]
    verb = "is" if len(counted) == 1 else "are"
    return Hold(
        subject=SUBJECT,
        cause=HoldCause.REMOVAL_BUDGET,
        reason=f"{' and '.join(gone)} {verb} not in the documents any more, {why}; without "
        f"approval all of it stays as it was",
        by="shoal",
        since=now,
        content=digest_parts(map(str, sorted(counted))),
    )


def _by_sort(counted: Iterable[Gone]) -> Iterator[tuple[Sort, list[str]]]:
    for sort in Sort:
        names = sorted(each.name for each in counted if each.sort is sort)
        if names:
            yield sort, names
