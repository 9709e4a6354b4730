"""`shoal get events`: of a cluster, of a subject, of both; never of a namesake."""

import json

import pytest

from shoal.cli import finding, getting
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
    ],
)
def test_events_of_a_cluster_are_its_own_and_those_of_its_targets(controller, shoal, words, seqs):
    ended = shoal("get", "events", *words, "-o", "name")

    assert ended.out.split() == [f"event/a/{seq}" for seq in seqs]
    assert ("no events found" in ended.err) == (not seqs)


def test_events_of_a_cluster_are_found_behind_many_of_others(controller, shoal, monkeypatch):
    monkeypatch.setattr(finding, "_PAGE", 2)

    ended = shoal("get", "events", "-c", "staging", "-o", "name")

    assert ended.out.split() == ["event/a/5", "event/a/2", "event/a/1"]


def test_a_watch_of_a_cluster_shows_what_is_new_there_only(controller, shoal, monkeypatch):
    news = iter([record(8, "default/shop@prod"), record(9, "default/shop@staging"), None])

    def next_look(seconds: float) -> None:
        new = next(news)
        if new is None:
            raise KeyboardInterrupt
        controller.record_list.append(new)

    monkeypatch.setattr(getting.time, "sleep", next_look)
    ended = shoal("get", "events", "-c", "staging", "-w", "-o", "jsonl")

    assert ended.code == 130
    assert [json.loads(line)["object"]["seq"] for line in ended.out.splitlines()] == [1, 2, 5, 9]
