"""Batches that were given up, as the ledger keeps them: enough to send the very same once more.

What a record says of a batch is what it was cut from, so that it is put in words again, under the
same id. One that was sent again, and arrived, is done. Plain functions over records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shoal.model.alerts import Ending, Outgoing, Purpose, Stream, records_of
from shoal.model.records import Deed, Record, Verdict

DEEDS = frozenset({Deed.ALERT_GIVEN_UP, Deed.ALERT_RESENT})
"""The deeds that this reads."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A batch that was given up by one destination, and has not arrived since."""

    destination: str
    outgoing: Outgoing


def body_of(outgoing: Outgoing) -> Mapping[str, Any]:
    """What the record of a batch says that is given up with the try that has just failed."""
    return {
        "batch": outgoing.id,
        "records": records_of(outgoing.news, outgoing.endings),
        "attempts": outgoing.attempts + 1,
        "since": outgoing.at.isoformat(),
        "news": list(outgoing.news),
        "endings": [{"record": each.seq, "trouble": each.trouble} for each in outgoing.endings],
        "purpose": outgoing.purpose.value,
        "open_troubles": outgoing.open_troubles,
    }


def still_given_up(records: Iterable[Record]) -> Sequence[GivenUp]:
    """What of this has not arrived, oldest first; `records` are newest first, of one Alert."""
    arrived: set[tuple[str, str]] = set()
    found: list[GivenUp] = []
    for record in records:
        entry = record.entry
        key = entry.body["destination"], entry.body["batch"]
        if entry.what is Deed.ALERT_GIVEN_UP and key not in arrived:
            found.append(GivenUp(key[0], _outgoing(entry.body)))
        elif entry.what is Deed.ALERT_RESENT and entry.verdict is Verdict.SUCCEEDED:
            arrived.add(key)
    return found[::-1]


def resent(stream: Stream, titles: Sequence[str], now: datetime) -> Stream:
    """Those of these titles that were given up have arrived after all."""
    return replace(
        stream,
        delivered_at=now,
        delivered_title=titles[-1],
        given_up=max(0, stream.given_up - len(titles)),
    )


def _outgoing(body: Mapping[str, Any]) -> Outgoing:
    return Outgoing(
        id=body["batch"],
        at=datetime.fromisoformat(body["since"]),
        news=tuple(body["news"]),
        endings=tuple(Ending(each["record"], each["trouble"]) for each in body["endings"]),
        purpose=Purpose(body["purpose"]),
        open_troubles=body["open_troubles"],
        attempts=body["attempts"],
    )
