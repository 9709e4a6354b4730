"""The notifier `webhook`: a signed POST with CloudEvents 1.0, for whatever a program does with it.

One request is one batch: in structured mode one CloudEvent whose data is the batch, in batched mode
one CloudEvent for each event, as a JSON array. Both carry the batch's id in a header, by which a
receiver knows a repeat. The signature is an HMAC-SHA256 over the time and the body, so that a
request that somebody recorded cannot be sent again later.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import orjson
from pydantic import AfterValidator, Field

from shoal.hooks.host import Host, HttpRequest
from shoal.model.alerts import Batch, Event, Purpose
from shoal.model.choice import Spec
from shoal.model.digests import digest_parts
from shoal.model.secret_refs import SecretRef
from shoal_plugins.notifying.answering import check
from shoal_plugins.notifying.secrets import read_key

KEY = "key"
"""The key of the secret that holds what requests are signed with."""
_PREFIX = "dev.shoal"
_SEND_SECONDS = 20.0
_STRUCTURED = "application/cloudevents+json; charset=utf-8"
_BATCHED = "application/cloudevents-batch+json; charset=utf-8"


class Mode(StrEnum):
    """What one request holds."""

    STRUCTURED = "Structured"
    BATCHED = "Batched"


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("expected an address such as https://alerts.example.org/shoal")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a login in an address would be seen; use secretRef")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("http is for this machine only; write https")
    return url


class WebhookSpec(Spec):
    """Where a program listens that is to be told."""

    url: Annotated[str, Field(max_length=2000), AfterValidator(_address)] = Field(
        description="The address that batches are posted to: https, or http on this machine."
    )
    secret_ref: SecretRef | None = Field(
        default=None,
        description="The secret whose key `key` signs each request; without it they are not "
        "signed.",
    )
    mode: Mode = Field(
        default=Mode.STRUCTURED,
        description="Structured: one CloudEvent for a batch. Batched: a list with one for each "
        "event.",
    )


class WebhookNotifier:
    """Posts batches; keeps nothing."""

    name = "webhook"
    spec = WebhookSpec

    async def send(self, spec: WebhookSpec, batch: Batch, host: Host) -> None:
        """Post it; a 2xx means that the receiver has it."""
        kind, body = _body(spec.mode, batch)
        headers = {"Content-Type": kind, "Shoal-Batch": batch.id}
        if spec.secret_ref is not None:
            key = await read_key(host, batch.alert.namespace, spec.secret_ref.name, KEY)
            headers |= signed(key, body, int(time.time()))
        request = HttpRequest(
            method="POST", url=spec.url, headers=headers, body=body, deadline_seconds=_SEND_SECONDS
        )
        check(await host.http.request(request), urlsplit(spec.url).hostname or "")


def signed(key: bytes, body: bytes, timestamp: int) -> Mapping[str, str]:
    """The headers that prove who sent this body, and when: seconds since 1970."""
    content = f"{timestamp}.".encode() + body
    digest = hmac.new(key, content, hashlib.sha256).hexdigest()
    return {"Shoal-Timestamp": str(timestamp), "Shoal-Signature": f"sha256={digest}"}


def _body(mode: Mode, batch: Batch) -> tuple[str, bytes]:
    if mode is Mode.BATCHED and batch.purpose is not Purpose.TEST:
        events = [_cloud_event(batch, event) for event in batch.events]
        return _BATCHED, orjson.dumps(events)
    whole = _envelope(batch, batch.id, f"{_PREFIX}.batch", batch.at, data_of(batch))
    if mode is Mode.BATCHED:
        return _BATCHED, orjson.dumps([whole])
    return _STRUCTURED, orjson.dumps(whole)


def _cloud_event(batch: Batch, event: Event) -> dict[str, Any]:
    """A repeat and a reminder have the id of the first time: it is made of the record."""
    kind = f"{_PREFIX}.event.{event.kind.value.lower()}.{event.stage.value}"
    # Source and id together must be unique (CloudEvents 1.0). One record can end many troubles of
    # one kind, and records are counted from 1 again when the database was lost.
    told = (event.at.isoformat(), event.what, event.subject, event.trouble, event.stage)
    ident = f"{event.seq}-{digest_parts(told)[:16]}"
    made = _envelope(batch, ident, kind, event.at, event_data(event))
    return {**made, "subject": event.subject, "batch": batch.id}


def _envelope(
    batch: Batch, ident: str, kind: str, at: datetime, data: Mapping[str, Any]
) -> dict[str, Any]:
    namespace, name = (quote(part, safe="") for part in batch.alert)
    return {
        "specversion": "1.0",
        "id": ident,
        "source": f"/shoal/{quote(batch.fleet, safe='')}/alerts/{namespace}/{name}",
        "type": kind,
        "time": at,
        "datacontenttype": "application/json",
        "data": data,
        "purpose": batch.purpose.value,
    }


def data_of(batch: Batch) -> dict[str, Any]:
    """A batch as JSON: what people read first, then each event."""
    return {
        "title": batch.title,
        "purpose": batch.purpose.value,
        "recovery": batch.is_recovery,
        "openTroubles": batch.open_troubles,
        "link": batch.link,
        "topics": [
            {
                "title": topic.title,
                "kind": topic.kind.value,
                "stage": topic.stage.value,
                "clusters": topic.clusters,
                "message": topic.message,
                "change": topic.change,
                "who": topic.who,
                "revision": topic.revision,
                "nextStep": topic.next_step,
            }
            for topic in batch.topics
        ],
        "events": [event_data(event) for event in batch.events],
    }


def event_data(event: Event) -> dict[str, Any]:
    """One event as JSON."""
    return {
        "seq": event.seq,
        "at": event.at,
        "kind": event.kind.value,
        "stage": event.stage.value,
        "what": event.what,
        "subject": event.subject,
        "application": event.application,
        "cluster": event.cluster,
        "who": event.who,
        "change": event.change,
        "revision": event.revision,
        "message": event.message,
        "nextStep": event.next_step,
        "traceId": event.trace_id,
        "trouble": event.trouble,
    }
