"""`shoal get events`: of a cluster, of a subject, of both; never of a namesake."""

import pytest

from shoal.api import record_lists
from shoal.model.records import Deed, Entry, Record, Verdict
from shoal.testing.views import AT

SUBJECTS = [
    "default/shop@staging",
    "default/api@staging",
    "default/shop@prod",
    "default/shop@not-staging",
    "cluster staging",
    "cluster prod",
    "default/staging",
]


def record(seq, subject, **fields):
    entry = Entry(AT, "Ana", Deed.TARGET_CORRECTED, "drift", subject, Verdict.SUCCEEDED, **fields)
    return Record("a", seq, "", "h", entry)


@pytest.fixture
def controller(shoal_controller):
    shoal_controller.record_list = [record(seq, one) for seq, one in enumerate(SUBJECTS, 1)]
    return shoal_controller


@pytest.mark.parametrize(
    ("words", "seqs"),
    [
        (("-c", "staging"), [5, 2, 1]),
        (("-c", "staging", "--limit", "2"), [5, 2]),
        (("default/shop@staging", "-c", "staging"), [1]),
        (("default/shop@staging", "-c", "prod"), []),
        (("cluster prod",), [6]),
        (("-c", "*staging"), [5, 4, 2, 1]),
        (("-n", "default", "--where", "application=default/shop"), [4, 3, 1]),
        (("--where", "who=ana and seq > 5"), [7, 6]),
    ],
)
def test_events_of_a_cluster_are_its_own_and_those_of_its_targets(controller, shoal, words, seqs):
    ended = shoal("get", "events", *words, "-o", "name")

    assert ended.out.split() == [f"event/a/{seq}" for seq in seqs]
    assert ("no events found" in ended.err) == (not seqs)


def test_events_of_a_cluster_are_found_behind_many_of_others(controller, shoal, monkeypatch):
    monkeypatch.setattr(record_lists, "_PAGE", 2)
    monkeypatch.setattr(record_lists, "_MOST_PAGES", 1)

    ended = shoal("events", "-c", "staging", "-o", "name")

    assert ended.out.split() == ["event/a/5", "event/a/2", "event/a/1"]


def test_events_are_paged_from_where_the_last_page_ended(controller, shoal):
    first = shoal("events", "--limit", "3", "-o", "name")
    mark = first.err.rpartition("--continue ")[2].strip()
    second = shoal("events", "--limit", "30", "--continue", mark, "-o", "name")

    assert [*first.out.split(), *second.out.split()] == [
        f"event/a/{seq}" for seq in range(7, 0, -1)
    ]
    assert "--continue" not in second.err


def test_syncs_are_the_passes_over_targets(controller, shoal):
    others = Entry(AT, "Ana", Deed.HOLD_PLACED, "drift", "default/shop@prod", Verdict.NOTED)
    controller.record_list.append(Record("a", 8, "", "h", others))

    assert shoal("get", "syncs", "default/shop@prod", "-o", "name").out.split() == ["sync/a/3"]
    assert "nothing" not in shoal("describe", "sync", "3").out


@pytest.mark.parametrize("name", ["99", "x", "a/0"])
def test_a_record_that_is_not_there_is_4(shoal, controller, name):
    assert shoal("describe", "event", name).code == 4
