"""The judge of a chaos run: what is planted is found, and what a fault explains is excused."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.chaos.evidence import Ledger, LedgerRecord, Told, Write, contains, differences, marked
from tests.chaos.judging import Blow, Case, judge
from tests.chaos.manifests import LABEL, Key, manifest, number_of
from tests.chaos.recovering import Operation, percentile, recoveries
from tests.chaos.strangers import Strangers

KEY = Key("ConfigMap", "chaos-shop", "settings")
OTHER = Key("ConfigMap", "chaos-shop", "strangers-1")
START = datetime(2026, 1, 2, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def write(seconds: float, number: int | None, *, key: Key = KEY, verb: str = "patch") -> Write:
    moment = at(seconds)
    return Write("one", moment, moment, verb, key, number, 200, f"id-{seconds}")


def record(
    seconds: float, status: str = "applied", *, action: str = "update", key: Key = KEY
) -> LedgerRecord:
    told = (Told(key, action, status),)
    return LedgerRecord(int(seconds), at(seconds), "target.synced", "default/shop@one", "", told)


def blow(kind: str, begun: float, ended: float) -> Blow:
    return Blow(kind, "one", at(begun), at(ended))


def case(*writes: Write, records: tuple[LedgerRecord, ...] = (), **given: object) -> Case:
    ledger = Ledger(records, {each.seq: f"hash {each.seq}" for each in records}, None)
    it = Case(writes, ledger, (), frozenset({KEY}), frozenset({("one", OTHER)}))
    return replace(it, **given)


def violations(given: Case) -> list[str]:
    return judge(given).violations


def test_writes_with_their_records_are_well() -> None:
    assert not violations(case(write(1, 1), write(5, 2), records=(record(1.1), record(5.1))))


def test_a_write_that_no_record_explains_is_found() -> None:
    (found,) = violations(case(write(1, 1), write(5, 2), records=(record(1.1),)))

    assert "no record explains" in found
    assert "carrying 2" in found


def test_one_entry_explains_one_write() -> None:
    (found,) = violations(case(write(1, 1), write(2, 2), records=(record(2.1),)))

    assert "no record explains" in found


def test_the_same_sent_again_is_one_write() -> None:
    assert not violations(case(write(1, 1), write(2, 1), records=(record(2.1),)))


def test_an_audit_entry_may_be_a_moment_later_than_its_record() -> None:
    given = case(write(1.2, 1), write(5, 2), records=(record(1.1), record(5.1)))

    assert not violations(given)


def test_a_recorded_write_that_nobody_saw_is_found_unless_the_server_was_killed() -> None:
    given = case(records=(record(3),))
    (found,) = violations(given)

    assert "no audit entry shows it" in found
    assert not violations(replace(given, blows=(blow("server-killed", 3.5, 6),)))


def test_what_was_not_sent_explains_nothing() -> None:
    given = case(write(1, 1), records=(record(1.05, "revoked"), record(1.1)))

    assert not violations(given)
    assert violations(case(write(1, 1), records=(record(1.1, "not reached"),)))


def test_what_a_killed_controller_left_explains_its_writes() -> None:
    assert not violations(case(write(1, 1), records=(record(9, "unknown"),)))


def test_an_older_revision_after_a_newer_is_found() -> None:
    given = case(write(1, 2), write(5, 1), records=(record(1.1), record(5.1)))
    (found,) = violations(given)

    assert "an older revision after a newer" in found


def test_a_write_that_the_network_kept_is_not_held_against_the_sender() -> None:
    given = case(write(1, 2), write(5, 1), records=(record(1.1), record(5.1)))
    kept = judge(replace(given, late=frozenset({"id-5"})))
    delayed = judge(replace(given, blows=(blow("server-paused", 2, 4.9),)))
    elsewhere = judge(replace(given, blows=(Blow("latency", "two", at(0), at(9)),)))

    assert not kept.violations
    assert kept.excused == {"delivered late": 1}
    assert not delayed.violations
    assert elsewhere.violations


def test_a_written_or_deleted_stranger_is_found() -> None:
    records = (record(1.1, key=OTHER), record(2.1, "deleted", key=OTHER))
    found = violations(
        case(write(1, None, key=OTHER), write(2, None, key=OTHER, verb="delete"), records=records)
    )

    assert len(found) == 2
    assert all("an object of a stranger was written" in each for each in found)


def test_an_object_that_git_never_had_is_found() -> None:
    key = Key("Secret", "chaos-shop", "made-up")
    (found,) = violations(case(write(1, 1, key=key), records=(record(1.1, key=key),)))

    assert "Git never had" in found


def test_a_broken_chain_and_a_lost_record_are_found() -> None:
    ledger = Ledger((), {1: "a"}, broken=7)
    found = violations(case(ledger=ledger, heads=((1, "a"), (2, "b"))))

    assert found == [
        "the ledger is broken at record 7",
        "record 2 of the ledger was there and is lost",
    ]


def test_a_cluster_differs_by_what_is_missing_or_other() -> None:
    wanted = {KEY: manifest(KEY, 3), OTHER: manifest(OTHER, 1)}
    live = {KEY: manifest(KEY, 2)}

    assert differences(wanted, live) == [
        f"{KEY} differs: Git has 3, not 2",
        f"{OTHER} is missing",
    ]
    assert differences(wanted, wanted) == []


def test_more_than_was_asked_for_is_still_equal_but_for_lists() -> None:
    assert contains({"a": 1, "b": [{"c": 1, "d": 2}]}, {"b": [{"c": 1}]})
    assert not contains({"b": [1, 2]}, {"b": [1]})
    assert not contains({"a": 1}, {"a": 2})


def test_marks_and_numbers_are_read_from_objects() -> None:
    body = manifest(KEY, 12)
    body["metadata"]["labels"] = {LABEL: "chaos"}

    assert number_of(body) == 12
    assert marked({KEY: body, OTHER: manifest(OTHER, 1)}) == {KEY}


def test_recovery_counts_from_the_last_fault_that_stood_in_the_way() -> None:
    asked = [Operation("one", KEY, at(1), 5)]
    writes = [write(2, 4), write(9, 5)]

    assert recoveries(asked, writes, []) == [8.0]
    assert recoveries(asked, writes, [blow("refused", 0, 6)]) == [3.0]
    assert recoveries(asked, writes, [Blow("refused", "two", at(0), at(6))]) == [8.0]
    assert recoveries(asked, writes, [Blow("git-down", "git", at(0), at(7))]) == [2.0]
    assert recoveries(asked, writes[:1], []) == []


def test_a_percentile_is_a_value_that_was_seen() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([1.0, 2.0], 0.99) == 2.0
    assert percentile([], 0.5) == 0.0


def test_what_a_backup_took_from_strangers_is_not_asked_for() -> None:
    strangers = Strangers({}, random.Random(1))
    new = Key("ConfigMap", "chaos-shop", "strangers-2")
    strangers.theirs["one"] = {OTHER: {"number": "1"}}
    kept = dict(strangers.theirs["one"])
    strangers.theirs["one"] = {OTHER: {"number": "2"}, new: {"number": "3"}}

    strangers.restored("one", kept)

    assert strangers.theirs["one"] == {OTHER: None}
