"""What an Alert says: about which events, where to, how many at once, and when not."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from shoal.model.alerts import EventKind
from shoal.model.choice import Choice, Seam, Spec
from shoal.model.crons import parse_cron
from shoal.model.duration_fields import Duration
from shoal.model.expressions import over
from shoal.model.selectors import LabelSelector

VARIABLES = ("event", "application", "cluster")
"""What an expression of `when` knows."""
TROUBLES = (
    EventKind.FAILED,
    EventKind.DEGRADED,
    EventKind.HELD,
    EventKind.DRIFTED,
    EventKind.UNREACHABLE,
    EventKind.INVALID,
)
_LONGEST_WINDOW = timedelta(days=7)
_TIME_SCHEMA = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})$",
    "examples": ["2026-12-24T08:00:00Z"],
}
_CRON_SCHEMA = {
    "type": "string",
    "pattern": r"^\s*(\S+\s+){4}\S+\s*$",
    "examples": ["0 22 * * Mon-Fri"],
}


class Namespaces(StrEnum):
    """Of which namespaces the applications and sources are that an Alert is about."""

    OWN = "Own"
    ALL = "All"


class GroupKey(StrEnum):
    """What events have in common that are told at once."""

    EVENT = "Event"
    APPLICATION = "Application"
    CLUSTER = "Cluster"


class RecoveryPolicy(StrEnum):
    """What is done when a trouble is over that was told."""

    TELL = "Tell"
    IGNORE = "Ignore"


def _cron(text: str) -> str:
    parse_cron(text)
    return text


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name}; one is Europe/Berlin") from None
    return name


def _in_utc(value: datetime) -> datetime:
    if not 1 < value.year < 9999:
        raise ValueError("expected a year from 2 to 9998")
    return value.astimezone(UTC)


def _at_most_a_week(value: timedelta) -> timedelta:
    if not timedelta() < value <= _LONGEST_WINDOW:
        raise ValueError("expected more than 0s and at most 7d")
    return value


def _at_most_an_hour(value: timedelta) -> timedelta:
    if value > timedelta(hours=1):
        raise ValueError("expected at most 1h")
    return value


def _at_least_a_minute(value: timedelta) -> timedelta:
    if value < timedelta(minutes=1):
        raise ValueError("expected at least 1m")
    return value


class AlertedApplications(Spec):
    """Applications, by name and by label; both must fit where both are given."""

    namespaces: Namespaces = Field(
        default=Namespaces.OWN,
        description="Own: of the Alert's namespace. All: of every namespace of the fleet.",
    )
    names: tuple[str, ...] = Field(
        default=(), description="Names, `*` stands for any characters: `web`, `shop-*`."
    )
    selector: LabelSelector | None = Field(
        default=None, description="Applications whose labels match."
    )


class AlertedClusters(Spec):
    """Clusters, by name and by label; both must fit where both are given."""

    names: tuple[str, ...] = Field(
        default=(), description="Names, `*` stands for any characters: `eu-*`."
    )
    selector: LabelSelector | None = Field(default=None, description="Clusters whose labels match.")


class Mute(Spec):
    """A time in which nothing is sent: until a moment, or in windows that come again."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["until"], "not": {"required": ["duration"]}},
                {"required": ["cron", "duration"]},
            ]
        }
    )

    until: (
        Annotated[AwareDatetime, AfterValidator(_in_utc), WithJsonSchema(_TIME_SCHEMA)] | None
    ) = Field(default=None, description="Nothing is sent before this time: 2026-12-24T08:00:00Z.")
    cron: Annotated[str, AfterValidator(_cron), WithJsonSchema(_CRON_SCHEMA)] | None = Field(
        default=None, description="When a window opens: `0 22 * * Mon-Fri`, see cron(5)."
    )
    duration: Annotated[Duration, AfterValidator(_at_most_a_week)] | None = Field(
        default=None, description="How long a window is open, at most 7d."
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="The time zone of `cron`: Europe/Berlin."
    )
    reason: str = Field(default="", description="Why; it is recorded with what was not sent.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.until is None) == (self.cron is None):
            raise ValueError("give either until, a time, or cron with a duration")
        if (self.cron is None) != (self.duration is None):
            raise ValueError("cron and duration belong together")
        return self

    def ends_at(self, now: datetime) -> datetime | None:
        """When it ends, in UTC, if it is in force now; always later than now."""
        if self.until is not None:
            return self.until if now < self.until else None
        assert self.cron is not None
        assert self.duration is not None
        zone = zoneinfo.ZoneInfo(self.time_zone)
        opened = parse_cron(self.cron).last_before(now, zone, self.duration)
        return None if opened is None else opened + self.duration


class AlertSpec(Spec):
    """Which events go where. With `to` alone: every trouble of the namespace, and its end."""

    to: tuple[Annotated[Choice, Seam("notifier")], ...] = Field(
        min_length=1,
        description="Where to; each with one key, the name of a notifier plugin. Each of them gets "
        "everything, and waits for no other.",
    )
    events: tuple[EventKind, ...] = Field(
        default=TROUBLES,
        min_length=1,
        description="About what. Failed, Degraded, Held, Drifted, Unreachable and Invalid are "
        "troubles, which end; Synced, Corrected and Removed just happen.",
    )
    applications: AlertedApplications = Field(
        default=AlertedApplications(),
        description="About which applications; what is about none is told all the same.",
    )
    clusters: AlertedClusters = Field(
        default=AlertedClusters(),
        description="About which clusters; what is about none is told all the same.",
    )
    when: Annotated[str, over(*VARIABLES)] | None = Field(
        default=None,
        description="A CEL expression over `event`, `application` and `cluster` that is true for "
        "what is told.",
    )
    group_by: tuple[GroupKey, ...] = Field(
        default=(GroupKey.EVENT,),
        description="What must be equal for events to be told at once; empty: all of them are.",
    )
    group_for: Annotated[Duration, AfterValidator(_at_most_an_hour)] = Field(
        default=timedelta(seconds=30),
        description="How long to wait for what belongs to the first event; at most 1h.",
    )
    when_recovered: RecoveryPolicy = Field(
        default=RecoveryPolicy.TELL,
        description="Tell: say it once all of a group is over. Ignore: say nothing.",
    )
    repeat_after: Annotated[Duration, AfterValidator(_at_least_a_minute)] | None = Field(
        default=None, description="Tell a trouble again that is still there; at least 1m."
    )
    mute: tuple[Mute, ...] = Field(
        default=(), description="When nothing is sent; what is still there is told afterwards."
    )
    link: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=2000)] | None = Field(
        default=None, description="An address for people that each message ends with."
    )

    def destinations(self) -> dict[str, Choice]:
        """Each destination by its name: that of its plugin, numbered from the second on."""
        found: dict[str, Choice] = {}
        for choice in self.to:
            number = sum(each.name == choice.name for each in found.values()) + 1
            found[choice.name if number == 1 else f"{choice.name}-{number}"] = choice
        return found

    def muted_until(self, now: datetime) -> tuple[datetime, str] | None:
        """When the mute that lasts longest ends, and why it is; None when nothing is muted."""
        ends = [(end, each.reason) for each in self.mute if (end := each.ends_at(now))]
        return max(ends) if ends else None
