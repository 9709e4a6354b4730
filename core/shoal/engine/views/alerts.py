"""Views of Alerts: what waits for whom, what arrived, and what became of a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DestinationView:
    """One destination of an Alert. `ready` is False while it cannot be told anything.

    `delivered_title` is of the last batch that arrived. `waiting` counts what was read and is not
    told yet, what is `on_its_way` included; `behind` how many records are not even read. `given_up`
    are batches that were given up since the last one arrived.
    """

    name: str
    ready: str
    delivered_at: datetime | None
    delivered_title: str
    waiting: int
    behind: int
    troubles: int
    attempts: int
    next_try: datetime | None
    given_up: int
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class AlertView:
    """One Alert; `ready`, `delivered_at` and `message` are those of its worst destination."""

    namespace: str
    name: str
    ready: str
    events: Sequence[str]
    delivered_at: datetime | None
    waiting: int
    troubles: int
    muted_until: datetime | None
    message: str
    next_step: str
    destinations: Sequence[DestinationView]
    document: str


@dataclass(frozen=True, slots=True)
class ResentView:
    """What became of a batch that was given up and is sent again; `at` is when it was made.

    `message` is empty when it arrived.
    """

    destination: str
    batch: str
    at: datetime
    title: str
    arrived: bool
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class TrialView:
    """What became of a test of one destination; `message` is empty when it arrived."""

    destination: str
    arrived: bool
    message: str
    next_step: str
