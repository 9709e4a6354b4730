"""Spans as plain data: what the ring keeps, the API sends and `shoal trace` draws.

Imports nothing of OpenTelemetry, so that a command which only draws a trace starts fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class EventView:
    """Something that happened within a span."""

    name: str
    at: datetime
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For output: times as ISO 8601."""
        return {
            "name": self.name,
            "at": self.at.isoformat(),
            "attributes": dict(self.attributes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EventView:
        """The way back of `as_json`."""
        return cls(data["name"], datetime.fromisoformat(data["at"]), data["attributes"])


@dataclass(frozen=True, slots=True)
class SpanView:
    """A finished span as plain data. Ids are in hex; `parent_id` is empty at a root.

    `status` is `unset`, `ok` or `error`; `links` are (trace id, span id).
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: datetime
    end: datetime
    attributes: Mapping[str, Any] = field(default_factory=dict)
    status: str = "unset"
    status_message: str = ""
    events: tuple[EventView, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    @property
    def duration(self) -> timedelta:
        """How long it took."""
        return self.end - self.start

    def as_json(self) -> dict[str, Any]:
        """For output: times as ISO 8601, the duration in seconds."""
        return {
            "name": self.name,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "parent_id": self.parent_id,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "duration_seconds": self.duration.total_seconds(),
            "attributes": dict(self.attributes),
            "status": self.status,
            "status_message": self.status_message,
            "events": [event.as_json() for event in self.events],
            "links": [{"trace_id": trace, "span_id": span} for trace, span in self.links],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SpanView:
        """The way back of `as_json`, for the side that reads it from the API."""
        return cls(
            name=data["name"],
            trace_id=data["trace_id"],
            span_id=data["span_id"],
            parent_id=data["parent_id"],
            start=datetime.fromisoformat(data["start"]),
            end=datetime.fromisoformat(data["end"]),
            attributes=data["attributes"],
            status=data["status"],
            status_message=data["status_message"],
            events=tuple(map(EventView.from_json, data["events"])),
            links=tuple((link["trace_id"], link["span_id"]) for link in data["links"]),
        )
