"""The notifier `webhook`: what arrives, who can know that it is from us, and what answers mean."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.notifying.conftest import Receiver

from shoal.errors import AccessDenied, HttpFailed, Permanent, ShoalError
from shoal.hooks.host import Host, HttpAnswer
from shoal.model.alerts import Batch, Purpose, Stage
from shoal_plugins.notifying import WebhookNotifier
from shoal_plugins.notifying.answering import wait_of
from shoal_plugins.notifying.webhook import WebhookSpec


def spec_of(receiver: Receiver, **written: Any) -> WebhookSpec:
    return WebhookSpec.model_validate({"url": receiver.url, **written})


async def test_a_batch_is_one_cloud_event(receiver: Receiver, host: Host, batch: Batch) -> None:
    await WebhookNotifier().send(spec_of(receiver), batch, host)

    (one,) = receiver.received
    assert one.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert one.headers["Shoal-Batch"] == batch.id
    event = one.json
    assert {name: event[name] for name in event if name != "data"} == {
        "specversion": "1.0",
        "id": batch.id,
        "source": "/shoal/shop/alerts/default/on-call",
        "type": "dev.shoal.batch",
        "time": "2026-03-01T09:30:00+00:00",
        "datacontenttype": "application/json",
        "purpose": "news",
    }
    assert event["data"]["title"] == "web failed on c1 and c2"
    assert event["data"]["topics"][0]["clusters"] == ["c1", "c2"]
    assert [each["subject"] for each in event["data"]["events"]] == [
        "default/web@c1",
        "default/web@c2",
    ]


async def test_in_batched_mode_each_event_is_one(
    receiver: Receiver, host: Host, batch: Batch
) -> None:
    ended = replace(batch.events[1], seq=1, stage=Stage.ENDED)
    both = replace(batch, events=(batch.events[0], ended))

    await WebhookNotifier().send(spec_of(receiver, mode="Batched"), both, host)

    (one,) = receiver.received
    assert one.headers["Content-Type"] == "application/cloudevents-batch+json; charset=utf-8"
    assert [each["type"] for each in one.json] == [
        "dev.shoal.event.failed.began",
        "dev.shoal.event.failed.ended",
    ]
    assert len({(each["source"], each["id"]) for each in one.json}) == 2
    assert {each["batch"] for each in one.json} == {batch.id}
    for each in one.json:  # CloudEvents 1.0, 3.1: names of attributes are of these alone
        assert all(name.isalnum() and name.islower() for name in each)


async def test_events_have_ids_of_their_own_and_keep_them(
    receiver: Receiver, host: Host, batch: Batch
) -> None:
    """One record ends many troubles, and a ledger that was lost counts from 1 again."""
    one, two = (replace(each, seq=9, stage=Stage.ENDED) for each in batch.events)
    later = replace(one, at=one.at + timedelta(days=1))

    for events in ((one, two), (later,), (one, two)):
        await WebhookNotifier().send(
            spec_of(receiver, mode="Batched"), replace(batch, events=events), host
        )

    first, other, again = ([each["id"] for each in got.json] for got in receiver.received)
    assert len({*first, *other}) == 3
    assert again == first


async def test_a_test_arrives_in_either_mode(receiver: Receiver, host: Host, batch: Batch) -> None:
    trial = replace(batch, purpose=Purpose.TEST, events=(), topics=())
    for mode in ("Structured", "Batched"):
        await WebhookNotifier().send(spec_of(receiver, mode=mode), trial, host)

    structured, batched = (each.json for each in receiver.received)
    assert structured["purpose"] == "test"
    assert [each["purpose"] for each in batched] == ["test"]


async def test_a_request_is_signed_over_its_time_and_its_body(
    receiver: Receiver, host: Host, batch: Batch
) -> None:
    await WebhookNotifier().send(spec_of(receiver, secretRef={"name": "signing"}), batch, host)

    (one,) = receiver.received
    at = one.headers["Shoal-Timestamp"]
    signed = at.encode() + b"." + one.body
    expected = hmac.new(b"a key that both know", signed, hashlib.sha256).hexdigest()
    assert one.headers["Shoal-Signature"] == f"sha256={expected}"
    assert abs(time.time() - int(at)) < 60


async def test_a_key_that_is_not_there_is_said_and_nothing_is_sent(
    receiver: Receiver, host: Host, batch: Batch
) -> None:
    with pytest.raises(AccessDenied, match="the secret default/empty has no key key"):
        await WebhookNotifier().send(spec_of(receiver, secretRef={"name": "empty"}), batch, host)

    assert receiver.received == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, HttpFailed),
        (500, HttpFailed),
        (503, HttpFailed),
        (408, HttpFailed),
        (400, Permanent),
        (413, Permanent),
        (401, AccessDenied),
        (404, AccessDenied),
        (302, AccessDenied),
    ],
)
async def test_an_answer_means_later_never_or_that_somebody_must_mend_it(
    receiver: Receiver, host: Host, batch: Batch, status: int, error: type[ShoalError]
) -> None:
    receiver.status, receiver.text = status, "a canary that nobody repeats"

    with pytest.raises(error, match=f"127.0.0.1 answered with status {status}") as raised:
        await WebhookNotifier().send(spec_of(receiver), batch, host)

    assert type(raised.value) is error
    assert "canary" not in str(raised.value)


async def test_a_receiver_may_say_when_it_will_take_more(
    receiver: Receiver, host: Host, batch: Batch
) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": "120"}

    with pytest.raises(HttpFailed) as raised:
        await WebhookNotifier().send(spec_of(receiver), batch, host)

    assert raised.value.after_seconds == 120


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        ("999999999", 3600.0),
        ("Sun, 01 Mar 2026 09:31:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    now = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

    assert wait_of(HttpAnswer(429, {"retry-after": text}, b""), now) == seconds


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://alerts.example.org/", "http is for this machine only"),
        ("https://ana:pass@alerts.example.org/", "a login in an address would be seen"),
        ("ftp://alerts.example.org/", "expected an address"),
        ("alerts.example.org", "expected an address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_the_document(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        WebhookSpec.model_validate({"url": url})
