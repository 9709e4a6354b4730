"""The bench counts requests in audit logs: what a line means, and where reading goes on."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from bench.reading import Sort, Tail, read_request


def line(
    verb: str = "patch",
    *,
    user: str = "shoal",
    path: str = "/api/v1/namespaces/shop/configmaps/settings",
    code: int = 200,
    subject: dict[str, str] | None = None,
) -> bytes:
    if subject is None:
        subject = {"resource": "configmaps", "namespace": "shop", "name": "settings"}
    event = {
        "user": {"username": user},
        "verb": verb,
        "requestURI": path,
        "objectRef": subject or None,
        "responseStatus": {"code": code},
        "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
        "stageTimestamp": "2026-01-01T00:00:00.250000Z",
    }
    return orjson.dumps(event) + b"\n"


def test_a_line_says_who_asked_what_and_how_long_it_took() -> None:
    request = read_request("east", line())

    assert request.object == ("east", "configmaps", "shop", "settings")
    assert request.user == "shoal"
    assert request.has_written
    assert (request.answered - request.received).total_seconds() == 0.25


@pytest.mark.parametrize(
    ("sort", "content"),
    [
        (Sort.WRITE, line("delete")),
        (Sort.LIST, line("list", subject={"resource": "configmaps"})),
        (Sort.WATCH, line("watch", subject={"resource": "configmaps"})),
        (Sort.READ, line("get")),
        (Sort.PROBE, line("get", path="/version", subject={})),
        (Sort.PROBE, line("get", subject={"resource": "namespaces", "name": "kube-system"})),
        (Sort.DISCOVERY, line("get", path="/apis", subject={})),
    ],
)
def test_requests_are_told_apart(sort: Sort, content: bytes) -> None:
    assert read_request("east", content).sort is sort


def test_a_dry_run_and_a_refused_write_have_written_nothing() -> None:
    dry_run = read_request("east", line(path="/api/v1/namespaces?dryRun=All&force=true"))
    refused = read_request("east", line(code=409))

    assert dry_run.is_dry_run
    assert not dry_run.has_written
    assert not refused.has_written
    assert refused.concerns_objects


def test_reading_begins_where_the_log_ended_and_goes_on_behind_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(line("create"))
    tail = Tail({"east": log})
    half = line("delete")
    with log.open("ab") as file:
        file.write(line("patch") + line("get", user="stranger") + half[:20])
    first = [one.verb for one in tail.read("shoal")]
    with log.open("ab") as file:
        file.write(half[20:])

    assert first == ["patch"]
    assert [one.verb for one in tail.read("shoal")] == ["patch", "delete"]
    assert [one.verb for one in tail.read("stranger")] == ["get"]
