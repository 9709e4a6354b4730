"""Troubles, as a screen tells them: what many clusters have in common is one line.

A name that cannot be resolved is two hundred failed targets and one thing to look into. So what is
wrong with an application is told once for all the clusters on which it stands alike: what most of
them say, and how many say something else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shoal.cli.differences import on_clusters

# What differs from one cluster to the next though it means the same: names of Pods, how many, how
# long.
_VARYING = re.compile(r"\bpod \S+|\(for [^)]*\)|\(and [^)]*\)|\d+")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One line of what needs a person: `state` gives glyph and word, `next` what to do."""

    state: str
    subject: str
    message: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is wrong at one place: a trouble of its own, unless others are in the same state.

    `about` and `cluster` are the place, `together` what is told at once, beside the state, and
    `more` where one reads of all of it.
    """

    trouble: Trouble
    about: str
    cluster: str
    together: str
    more: str


def told_together(seen: Iterable[Seen]) -> Iterator[Trouble]:
    """Each trouble once, in the order in which they were first seen."""
    groups: dict[tuple[str, str], list[Seen]] = {}
    for each in seen:
        groups.setdefault((each.trouble.state, each.together), []).append(each)
    for same in groups.values():
        yield same[0].trouble if len(same) == 1 else _as_one(same)


def _as_one(same: Sequence[Seen]) -> Trouble:
    said = Counter(map(_nameless, same))
    ((most, _),) = said.most_common(1)
    first = next(each for each in same if _nameless(each) == most)
    others = len(said) - 1
    reasons = "another reason" if others == 1 else f"{others} other reasons"
    message = f"{first.trouble.message} (and {reasons})" if others else first.trouble.message
    steps = {each.trouble.next_step for each in same}
    next_step = steps.pop() if len(steps) == 1 else ""
    where = on_clusters([each.cluster for each in same])
    subject = f"{first.about} {where}" if first.about else where.removeprefix("on ")
    return Trouble(first.trouble.state, subject, message, next_step or first.more)


def _nameless(seen: Seen) -> str:
    """What is said, without what is different everywhere."""
    return _VARYING.sub("", seen.trouble.message.replace(seen.cluster, ""))
