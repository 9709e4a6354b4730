"""The judge of a chaos run: pure, from evidence to violations, each a sentence.

What the network or an API server may do by itself is no fault of Shoal's, and only this is excused:
a write that arrives after a later one while something delays requests (`delays` of a fault), and an
audit entry that a killed server took with it. Everything else must hold to the letter.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.chaos.evidence import Ledger, LedgerRecord, Told, Write
from tests.chaos.faults import KINDS, Place
from tests.chaos.manifests import Key

Place_ = tuple[str, Key]
# A record is written when the answer has come; an audit entry a moment after it was sent.
_SLACK = timedelta(seconds=1)
# A request that was delayed arrives at most so long after the fault: the deadline of a call.
_DELAY = timedelta(seconds=12)
_WROTE = frozenset({"applied", "deleted"})
# What ended so was not sent.
_UNSENT = frozenset({"revoked", "not reached", "only tried out"})
# The note of a deletion that met nothing to delete.
_GONE_BEFORE = "it was gone before"
# One change of these takes more than one request.
_MANIFOLD = frozenset({"recreate", "adopt"})
_ENDS_SERVERS = frozenset(
    {
        "server-killed",
        "new-certificate",
        "new-authority",
        "token-revoked",
        "etcd-restored",
        "etcd-killed",
        "etcd-paused",
    }
)


@dataclass(frozen=True, slots=True)
class Blow:
    """One fault as it really happened."""

    kind: str
    where: str
    begun: datetime
    ended: datetime

    def concerns(self, cluster: str) -> bool:
        """Whether it was between Shoal and this cluster, or at Shoal itself."""
        return KINDS[self.kind].place is not Place.CLUSTER or self.where == cluster


@dataclass(frozen=True, slots=True)
class Case:
    """All evidence of a run."""

    writes: Sequence[Write]
    ledger: Ledger
    blows: Sequence[Blow]
    in_git: frozenset[Key]
    strangers: frozenset[Place_]
    late: frozenset[str] = frozenset()
    # Heads of the ledger that were seen during the run: (number, hash).
    heads: Sequence[tuple[int, str]] = ()


@dataclass(slots=True)
class Verdict:
    """What was found; `excused` counts what a fault explains, by reason."""

    violations: list[str] = field(default_factory=list[str])
    excused: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def judge(case: Case) -> Verdict:
    """All that the logs can prove."""
    verdict = Verdict()
    verdict.violations += _ledger_problems(case.ledger, case.heads)
    verdict.violations += _strangers_touched(case)
    _judge_order(case, verdict)
    _judge_records(case, verdict)
    return verdict


def _ledger_problems(ledger: Ledger, heads: Sequence[tuple[int, str]]) -> Iterator[str]:
    if ledger.broken is not None:
        yield f"the ledger is broken at record {ledger.broken}"
    for seq, known in heads:
        if ledger.hashes.get(seq) != known:
            yield f"record {seq} of the ledger was there and is lost"


def _strangers_touched(case: Case) -> Iterator[str]:
    for write in case.writes:
        if not write.took_effect:
            continue
        if (write.cluster, write.key) in case.strangers:
            yield f"an object of a stranger was written: {write}"
        elif write.key not in case.in_git:
            yield f"an object was written that Git never had: {write}"


# -- order ----------------------------------------------------------------------------------------


def _judge_order(case: Case, verdict: Verdict) -> None:
    """No write of an older revision after one of a newer."""
    newest: dict[Place_, Write] = {}
    for write in sorted(case.writes, key=lambda one: one.at):
        if write.number is None or not write.took_effect:
            continue
        place = (write.cluster, write.key)
        before = newest.get(place)
        if before is None or before.number is None or write.number >= before.number:
            newest[place] = write
        elif write.audit_id in case.late or _is_delayed(case.blows, write):
            verdict.excused["delivered late"] += 1
        else:
            verdict.violations.append(f"an older revision after a newer: {before}, then {write}")


def _is_delayed(blows: Iterable[Blow], write: Write) -> bool:
    return any(
        blow.begun <= write.at <= blow.ended + _DELAY
        for blow in blows
        if KINDS[blow.kind].delays and blow.concerns(write.cluster)
    )


# -- the ledger -----------------------------------------------------------------------------------


def _judge_records(case: Case, verdict: Verdict) -> None:
    """Every write is explained by one entry of one record, and every recorded write was seen."""
    told = _told(case.ledger.records)
    written: dict[Place_, list[Write]] = defaultdict(list)
    for write in sorted(case.writes, key=lambda one: one.done):
        if write.took_effect:
            written[write.cluster, write.key].append(write)
    for place in {*told, *written}:
        _judge_object(case, told.get(place, []), written.get(place, []), verdict)


def _told(records: Sequence[LedgerRecord]) -> Mapping[Place_, list[tuple[LedgerRecord, Told]]]:
    found: dict[Place_, list[tuple[LedgerRecord, Told]]] = defaultdict(list)
    # What could not be written at once keeps its time, and comes later in the chain.
    for record in sorted(records, key=lambda one: one.at):
        for each in record.told:
            # A deletion that waits was sent, a write that waits was not.
            is_unsent = each.status == "waiting" and each.action != "delete"
            if record.cluster and each.status not in _UNSENT and not is_unsent:
                found[record.cluster, each.key].append((record, each))
    return found


def _judge_object(
    case: Case,
    told: Sequence[tuple[LedgerRecord, Told]],
    written: Sequence[Write],
    verdict: Verdict,
) -> None:
    """Each write belongs to the next record that speaks of its object."""
    times = [record.at for record, _ in told]
    of_record: list[list[Write]] = [[] for _ in told]
    for write in written:
        index = bisect_left(times, write.done)
        if index < len(told):
            of_record[index].append(write)
        elif not told or write.done - times[-1] > _SLACK or of_record[-1]:
            _unexplained(case, write, verdict)
        else:
            of_record[-1].append(write)
    for index, later in enumerate(of_record[1:]):
        # An audit entry that was written a moment after the record of its own write.
        is_empty = not of_record[index] and told[index][1].status in _WROTE
        if is_empty and later and later[0].done - times[index] < _SLACK:
            of_record[index].append(later.pop(0))
    for (record, each), writes in zip(told, of_record, strict=True):
        _judge_entry(case, record, each, writes, verdict)


def _judge_entry(
    case: Case, record: LedgerRecord, told: Told, writes: Sequence[Write], verdict: Verdict
) -> None:
    is_sent = told.status in _WROTE and told.note != _GONE_BEFORE
    if not writes and is_sent and not _is_log_cut(case.blows, record):
        verdict.violations.append(
            f"record {record.seq} says {told.action} {told.key} at {record.cluster}, "
            f"and no audit entry shows it"
        )
    if told.action in _MANIFOLD:
        return
    # The same sent again is one write; another content needs an entry of its own.
    last = writes[-1] if writes else None
    for write in writes[:-1]:
        if last is not None and (write.verb, write.number) != (last.verb, last.number):
            _unexplained(case, write, verdict)


def _unexplained(case: Case, write: Write, verdict: Verdict) -> None:
    if write.audit_id in case.late:
        verdict.excused["delivered late"] += 1
    else:
        verdict.violations.append(f"no record explains {write}")


def _is_log_cut(blows: Iterable[Blow], record: LedgerRecord) -> bool:
    """Whether the server was killed about then: it loses entries that are not yet written."""
    return any(
        blow.where == record.cluster
        and blow.kind in _ENDS_SERVERS
        and blow.begun - 5 * _SLACK <= record.at <= blow.ended + 5 * _SLACK
        for blow in blows
    )
