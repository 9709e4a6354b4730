"""What was asked for in a chaos run, and how soon it was done after the faults let it.

An operation is one object on one cluster that has to be written: because a commit changed or
removed it, or because a stranger did something that has to be healed. Its recovery is the time from
the change, or from the end of the last fault that stood in its way, to the write.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.chaos.author import Commit
from tests.chaos.evidence import Write
from tests.chaos.judging import Blow
from tests.chaos.manifests import Key
from tests.chaos.strangers import HEALED, Deed


@dataclass(frozen=True, slots=True)
class Operation:
    """One object on one cluster to be written; `number` None: any write heals it."""

    cluster: str
    key: Key
    asked: datetime
    number: int | None = None
    is_removal: bool = False


def operations(
    commits: Iterable[Commit], deeds: Iterable[Deed], clusters: Sequence[str]
) -> list[Operation]:
    """All that was asked for."""
    found = [
        Operation(cluster, key, commit.at, commit.number, key in commit.removed)
        for commit in commits
        for key in sorted(commit.changed | commit.removed)
        for cluster in clusters
    ]
    found += [
        Operation(deed.cluster, deed.key, deed.at)
        for deed in deeds
        if deed.what in HEALED and deed.is_sure
    ]
    return found


def recoveries(
    asked: Iterable[Operation], writes: Iterable[Write], blows: Sequence[Blow]
) -> list[float]:
    """Seconds of each operation whose write an audit log shows."""
    by_object: dict[tuple[str, Key], list[Write]] = defaultdict(list)
    for write in sorted(writes, key=lambda one: one.done):
        if write.took_effect:
            by_object[write.cluster, write.key].append(write)
    found: list[float] = []
    for operation in asked:
        done = _done(operation, by_object[operation.cluster, operation.key])
        if done is not None:
            found.append((done - _free_since(operation, done, blows)).total_seconds())
    return found


def _done(operation: Operation, writes: Sequence[Write]) -> datetime | None:
    for write in writes:
        if write.done < operation.asked:
            continue
        if operation.is_removal:
            if write.verb == "delete":
                return write.done
        elif operation.number is None or (write.number or 0) >= operation.number:
            return write.done
    return None


def _free_since(operation: Operation, done: datetime, blows: Iterable[Blow]) -> datetime:
    ends = [
        blow.ended
        for blow in blows
        if blow.concerns(operation.cluster) and operation.asked <= blow.ended <= done
    ]
    return max([operation.asked, *ends])


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that so many are not above; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(math.ceil(part * len(ordered)) - 1, 0)] if ordered else 0.0
