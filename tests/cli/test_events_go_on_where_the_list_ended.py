"""`shoal events -w`: the list, then every event as it comes, each once, whoever goes away."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from shoal.api import record_lists
from shoal.api.client import Client
from shoal.cli import watching
from shoal.errors import InvalidQuery
from shoal.model.records import Deed, Entry, Record, Verdict
from shoal.testing.controllers import FakeController
from shoal.testing.views import AT


def record(seq: int, subject: str = "default/web@dev") -> Record:
    entry = Entry(AT, "Ana", Deed.TARGET_SYNCED, "commit", subject, Verdict.SUCCEEDED)
    return Record("a", seq, "", "h", entry)


@pytest.fixture
def printed(monkeypatch) -> Callable[..., list[int]]:
    """What a watch prints until so many lines, with something happening at some of them."""

    def watch(shoal, *words: str, lines: int, at: dict[int, Callable[[], None]]) -> list[int]:
        seqs: list[int] = []
        wrote = watching.write

        def write(format: str, value) -> None:
            wrote(format, value)
            seqs.append(value["object"]["seq"])
            at.get(len(seqs), lambda: None)()
            if len(seqs) == lines:
                raise KeyboardInterrupt

        monkeypatch.setattr(watching, "write", write)
        ended = shoal("events", "-w", "-o", "jsonl", *words)

        assert ended.code == 130
        assert [json.loads(line)["object"]["seq"] for line in ended.out.splitlines()] == seqs
        return seqs

    return watch


@pytest.fixture
def controller(shoal_controller: FakeController) -> FakeController:
    shoal_controller.record_list = [record(1), record(2)]
    return shoal_controller


def test_what_happens_between_the_list_and_the_watch_is_told_once(controller, shoal, printed):
    def happen(*seqs: int) -> Callable[[], None]:
        return lambda: controller.record_list.extend(map(record, seqs))

    seqs = printed(shoal, lines=7, at={1: happen(3), 2: happen(4, 5), 5: happen(6, 7)})

    assert seqs == [1, 2, 3, 4, 5, 6, 7]


def test_what_is_not_asked_for_is_passed_over(controller, shoal, printed):
    def happen() -> None:
        controller.record_list += [record(3, "default/web@prod"), record(4, "cluster dev")]

    assert printed(shoal, "-c", "dev", lines=3, at={2: happen}) == [1, 2, 4]


def test_a_stream_that_breaks_is_taken_up_where_it_was(controller, shoal, printed, monkeypatch):
    lines, slept = Client.lines, []

    def breaking(self, what, **query):
        for item in lines(self, what, **query):
            yield item
            return

    def back(seconds: float) -> None:
        slept.append(seconds)
        controller.record_list.append(record(5))

    monkeypatch.setattr(Client, "lines", breaking)
    monkeypatch.setattr(watching.time, "sleep", back)
    controller_has_more = {2: lambda: controller.record_list.extend([record(3), record(4)])}

    assert printed(shoal, lines=5, at=controller_has_more) == [1, 2, 3, 4, 5]
    assert len(slept) == 2


def test_a_quiet_stream_says_that_it_is_alive_and_ends_with_the_controller(
    controller, monkeypatch, tmp_path
):
    monkeypatch.setattr(record_lists, "ALIVE_SECONDS", 0.01)
    with Client(controller.state) as client:
        connection = client._connection
        connection.request("GET", "/api/v1/records/stream")
        answer = connection.getresponse()

        assert (answer.readline(), answer.readline()) == (b"\n", b"\n")


def test_a_condition_that_cannot_be_read_is_refused_before_the_stream_begins(controller):
    with Client(controller.state) as client, pytest.raises(InvalidQuery, match="no field colour"):
        list(client.lines("records/stream", where="colour=red"))


def test_a_place_that_cannot_be_read_is_refused_before_the_stream_begins(controller):
    with Client(controller.state) as client, pytest.raises(InvalidQuery, match="whole number"):
        list(client.lines("records/stream", after="yesterday"))


def test_what_comes_stands_below_what_was_there_with_the_time_of_day(
    controller, shoal, monkeypatch
):
    printed = []

    def print_table(output, kind, items, sizes):
        table(output, kind, items, sizes)
        printed.append(len(items))
        if len(printed) == 1:
            controller.record_list.append(record(3, "x/y@z"))
        else:
            raise KeyboardInterrupt

    table = watching.print_table
    monkeypatch.setattr(watching, "print_table", print_table)

    headings, *rows = shoal("events", "-w").out.splitlines()

    assert printed == [2, 1]
    assert {row.index("✔") for row in rows} == {headings.index("RESULT")}
    assert {row.index("Ana") for row in rows} == {headings.index("WHO")}
    assert all(":05 " in row and " ago" not in row for row in rows)
