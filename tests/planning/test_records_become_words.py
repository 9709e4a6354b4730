"""Records of the ledger as people read them: what, where, why, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.planning.alert_events import spec_of

from shoal.model.alerts import Batch, Ending, EventKind, Outgoing, Purpose, Stage
from shoal.model.documents import Alert
from shoal.model.records import Deed, Entry, Record, Verdict
from shoal.planning.noticing import TELLING, notice
from shoal.planning.wording import worded

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FAILED = {"error": {"message": "quota exceeded", "next_step": "raise it"}}


ALERT = Alert(
    api_version="shoal.dev/v1alpha1",
    kind="Alert",
    metadata={"name": "on-call"},  # type: ignore[arg-type]  # as people write it
    spec=spec_of(),
)


def record(seq: int, what: Deed, subject: str, why: str = "", **body: Any) -> Record:
    verdict = Verdict.FAILED if "failed" in what else Verdict.NOTED
    entry = Entry(NOW, "Ana <ana@x>", what, why, subject, verdict, "abc", body=body)
    return Record("chain", seq, "", "", entry)


def told(*records: Record, endings: tuple[Ending, ...] = (), **more: Any) -> Batch:
    ends = {each.seq for each in endings}
    news = tuple(each.seq for each in records if each.seq not in ends)
    outgoing = Outgoing("batch-1", NOW, news, endings, **more)
    return worded(outgoing, {each.seq: each for each in records}, ALERT, "shop")


@pytest.mark.parametrize(
    ("given", "title", "message", "next_step"),
    [
        (
            record(1, Deed.TARGET_FAILED, "default/web@eu", "Bump web", **FAILED),
            "web failed on eu",
            "quota exceeded",
            "raise it",
        ),
        (
            record(
                1,
                Deed.TARGET_FAILED,
                "default/web@eu",
                changes=[
                    {"object": "Job a", "status": "applied"},
                    {"object": "Job b", "status": "failed", "message": "no", "next_step": "see"},
                    {"object": "Job c", "status": "failed", "message": "no"},
                ],
            ),
            "web failed on eu",
            "Job b: no (and 1 more)",
            "see",
        ),
        (
            record(1, Deed.APPLICATION_FAILED, "other/web", "no such path", next_step="write it"),
            "other/web failed",
            "no such path",
            "write it",
        ),
        (
            record(1, Deed.SOURCE_FAILED, "source default/apps", "no route"),
            "source default/apps failed",
            "no route",
            "",
        ),
        (
            record(1, Deed.SOURCE_FAILED, "source default/application/web", "no route"),
            "web failed",
            "no route",
            "",
        ),
        (
            record(1, Deed.CLUSTER_LOST, "cluster eu", "no route", next_step="look"),
            "cluster eu does not answer",
            "no route",
            "look",
        ),
        (
            record(1, Deed.FLEET_INVALID, "fleet", "2 problems", problems=["a.yaml:1: no", "b"]),
            "the fleet cannot be read in full",
            "2 problems: a.yaml:1: no",
            "run shoal validate",
        ),
        (
            record(1, Deed.TARGET_DRIFTED, "default/web@eu", "deleted", object="Service web"),
            "web was changed by hand on eu",
            "Service web was deleted in the cluster by Ana <ana@x>",
            "shoal drift list default/web",
        ),
        (
            record(
                1, Deed.TARGET_DEGRADED, "default/web@eu", "it crashes", object="Deployment web"
            ),
            "web is not healthy on eu",
            "Deployment web: it crashes",
            "shoal describe target default/web@eu",
        ),
        (
            record(1, Deed.TARGET_SYNCED, "default/web@eu", "Bump", counts={"applied": 2}),
            "web was synced on eu",
            "2 applied",
            "",
        ),
        (
            record(1, Deed.TARGET_RELEASED, "default/web@eu"),
            "web was removed from eu",
            "",
            "",
        ),
    ],
    ids=lambda given: given.entry.what.value if isinstance(given, Record) else None,
)
def test_a_record_says_what_where_why_and_what_to_do(
    given: Record, title: str, message: str, next_step: str
) -> None:
    (topic,) = told(given).topics

    assert (topic.title, topic.message, topic.next_step) == (title, message, next_step)


def test_the_same_on_many_clusters_is_one_topic_and_other_reasons_are_counted() -> None:
    records = [
        record(
            number,
            Deed.TARGET_FAILED,
            f"default/web@c{number}",
            "Bump",
            error={"message": f"c{number}: quota" if number % 3 else f"odd {number}"},
        )
        for number in range(1, 9)
    ]
    batch = told(*records, open_troubles=8)

    (topic,) = batch.topics
    assert batch.title == topic.title == "web failed on 8 clusters"
    assert topic.clusters == tuple(f"c{number}" for number in range(1, 9))
    assert topic.message == "c1: quota (and 2 other reasons)"
    assert (topic.change, topic.who, topic.revision) == ("Bump", "Ana <ana@x>", "abc")


def test_a_title_names_the_worst_and_counts_the_rest() -> None:
    batch = told(
        record(1, Deed.TARGET_SYNCED, "default/api@eu"),
        record(2, Deed.TARGET_FAILED, "default/web@eu", "", **FAILED),
        record(3, Deed.CLUSTER_LOST, "cluster us", "no route"),
    )

    assert batch.title == "web failed on eu (and 2 more)"
    assert [topic.stage for topic in batch.topics] == [Stage.BEGAN, Stage.BEGAN, Stage.HAPPENED]


def test_what_began_and_ended_meanwhile_says_both() -> None:
    batch = told(
        record(1, Deed.TARGET_FAILED, "default/web@eu", "", **FAILED),
        record(2, Deed.TARGET_RECOVERED, "default/web@eu"),
        endings=(Ending(2, "Failed default/web@eu"),),
    )

    assert batch.title == "web failed on eu, and that is over"
    assert not batch.is_recovery


def test_what_was_not_seen_again_since_a_start_says_so() -> None:
    batch = told(
        record(9, Deed.CONTROLLER_STARTED, "controller"),
        endings=(Ending(9, "Failed default/web@eu"),),
    )

    assert batch.title == "web recovered on eu"
    assert batch.topics[0].message == "it was not seen again since the controller started"
    assert batch.is_recovery


def test_a_reminder_says_that_it_is_one() -> None:
    failed = record(1, Deed.TARGET_FAILED, "default/web@eu", "", **FAILED)

    assert told(failed, purpose=Purpose.REMINDER).title == "still: web failed on eu"


def test_a_hold_that_waits_for_another_application_is_no_trouble() -> None:
    waits = record(1, Deed.HOLD_PLACED, "default/web@eu", hold="hold-1", cause="Dependency")
    held = record(1, Deed.HOLD_PLACED, "default/web@eu", hold="hold-1", cause="Gate")

    assert list(notice(waits)) == []
    assert [event.trouble for event in notice(held)] == ["Held default/web@eu hold-1"]


def test_every_trouble_can_end_by_the_name_under_which_it_began() -> None:
    began, ended = set[EventKind](), set[EventKind]()
    for what in TELLING:
        for event in notice(record(1, what, "default/web@eu", hold="h", cause="Gate")):
            (began if event.stage is Stage.BEGAN else ended).add(event.kind)

    assert began <= ended
    assert began == {*spec_of().events}
