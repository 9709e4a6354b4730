"""The kinds that `get` and `describe` know: names, columns, and how an item is named."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shoal.cli.phrasing import clock_time, relative, short_revision
from shoal.cli.tables import Column, Item, field, state
from shoal.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing. `path` is its list in the API; `identity` what a person types."""

    name: str
    path: str
    aliases: tuple[str, ...]
    columns: tuple[Column, ...]
    identity: Callable[[Item], str]

    @property
    def plural(self) -> str:
        """What a person calls many of them."""
        return f"{self.name.lower()}s"

    def full_name(self, item: Item) -> str:
        """`application/default/web`: what `-o name` prints."""
        return f"{self.name.lower()}/{self.identity(item)}"


def _age(heading: str, key: str) -> Column:
    return Column(heading, lambda item, now: relative(item.get(key), now))


def _revision(item: Item, now: datetime) -> str:
    return short_revision(str(item.get("revision") or "")) or "-"


def _person(heading: str, key: str) -> Column:
    """A person's name; the address is for `-o json`, where there is room for it."""
    return Column(heading, lambda item, now: str(item.get(key) or "").partition(" <")[0])


def _signer(item: Item, now: datetime) -> str:
    """Whose key it was; which key, `(…)`, is for `describe`, where there is room for it."""
    return str(item.get("signer") or "").rpartition(" (")[0].partition(" <")[0]


def _why(item: Item, now: datetime) -> str:
    """Why; of a correction of one object, also which: that is what a person looks for."""
    changes = (item.get("body") or {}).get("changes") or []
    why = str(item.get("why") or "")
    if item.get("what") != "target.corrected" or len(changes) != 1:
        return why
    return f"{why} ({changes[0]['object']})"


def _counts(item: Item, now: datetime) -> str:
    """`3 applied, 1 failed`."""
    counts = (item.get("body") or {}).get("counts") or {}
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def _synced(item: Item, now: datetime) -> str:
    return f"{item['synced']}/{item['clusters']}"


def _some(names: Sequence[str]) -> str:
    """The only one, or how many: the rest is for `describe`, where there is room for it."""
    return names[0] if len(names) == 1 else str(len(names))


def _namespaced(item: Item) -> str:
    return f"{item['namespace']}/{item['name']}"


def _application(item: Item) -> str:
    return f"{item['namespace']}/{item['application']}"


REVISION = Column("REVISION", _revision)
MESSAGE = field("MESSAGE", "message")

APPLICATION = Kind(
    "Application",
    "applications",
    ("application", "app", "apps"),
    (
        Column("APPLICATION", lambda item, now: _namespaced(item)),
        state("STATE", "phase"),
        state("HEALTH", "health"),
        Column("SYNCED", _synced),
        REVISION,
        field("OBJECTS", "objects"),
        field("SOURCE", "source"),
        MESSAGE,
    ),
    _namespaced,
)
TARGET = Kind(
    "Target",
    "targets",
    ("target", "tg"),
    (
        Column("APPLICATION", lambda item, now: _application(item)),
        field("CLUSTER", "cluster"),
        state("STATE", "phase"),
        state("HEALTH", "health"),
        REVISION,
        field("OBJECTS", "objects"),
        field("DRIFTED", "drifted"),
        _age("SYNCED", "synced_at"),
        MESSAGE,
    ),
    lambda item: f"{_application(item)}@{item['cluster']}",
)
CLUSTER = Kind(
    "Cluster",
    "clusters",
    ("cluster", "cl"),
    (
        field("CLUSTER", "name"),
        state("REACHABLE", "reachable"),
        state("AUTHORIZED", "authorized"),
        field("VERSION", "version"),
        field("CIRCUIT", "circuit"),
        field("TARGETS", "targets"),
        field("OBJECTS", "objects"),
        _age("LAST CONTACT", "last_contact"),
        MESSAGE,
    ),
    lambda item: str(item["name"]),
)
SOURCE = Kind(
    "Source",
    "sources",
    ("source", "src"),
    (
        Column("SOURCE", lambda item, now: _namespaced(item)),
        field("TYPE", "type"),
        state("READY", "ready"),
        REVISION,
        field("VERSION", "version"),
        _age("FETCHED", "fetched_at"),
        _person("AUTHOR", "author"),
        Column("SIGNER", _signer),
        Column("CHANGE", lambda item, now: str(item.get("subject") or "")),
        MESSAGE,
    ),
    _namespaced,
)
HOLD = Kind(
    "Hold",
    "holds",
    ("hold",),
    (
        field("HOLD", "id"),
        field("GROUP", "group"),
        field("SUBJECT", "subject"),
        field("CAUSE", "cause"),
        field("BY", "by"),
        _age("SINCE", "since"),
        _age("UNTIL", "until"),
        field("REASON", "reason"),
        field("RELEASE", "release"),
    ),
    lambda item: str(item["id"]),
)
DRIFT = Kind(
    "Drift",
    "drifts",
    ("drift", "dr"),
    (
        field("DRIFT", "id"),
        Column("APPLICATION", lambda item, now: _application(item)),
        field("KIND", "kind"),
        Column("OBJECTS", lambda item, now: _some(item["objects"])),
        Column("CLUSTERS", lambda item, now: _some(item["clusters"])),
        Column("CLIENT", lambda item, now: ", ".join(item["clients"]) or "unknown"),
        _age("SINCE", "since"),
        field("POLICY", "policy"),
    ),
    lambda item: str(item["id"]),
)
ALERT = Kind(
    "Alert",
    "alerts",
    ("alert", "al"),
    (
        Column("ALERT", lambda item, now: _namespaced(item)),
        state("READY", "ready"),
        Column("TO", lambda item, now: ", ".join(one["name"] for one in item["destinations"])),
        Column("EVENTS", lambda item, now: ", ".join(item["events"])),
        _age("DELIVERED", "delivered_at"),
        field("WAITING", "waiting"),
        field("TROUBLES", "troubles"),
        MESSAGE,
    ),
    _namespaced,
)
DESTINATION = Kind(
    "Destination",
    "destinations",
    (),
    (
        field("TO", "name"),
        state("READY", "ready"),
        _age("DELIVERED", "delivered_at"),
        field("LAST", "delivered_title"),
        field("WAITING", "waiting"),
        field("BEHIND", "behind"),
        field("TRIES", "attempts"),
        _age("NEXT TRY", "next_try"),
        field("GIVEN UP", "given_up"),
        MESSAGE,
    ),
    lambda item: str(item["name"]),
)
"""A part of an Alert: where it leads."""
EVENT = Kind(
    "Event",
    "records",
    ("events", "event", "ev"),
    (
        _age("WHEN", "at"),
        state("RESULT", "verdict"),
        field("WHAT", "what"),
        field("SUBJECT", "subject"),
        REVISION,
        _person("WHO", "who"),
        Column("WHY", _why),
    ),
    lambda item: f"{item['chain']}/{item['seq']}",
)
SYNC = Kind(
    "Sync",
    "syncs",
    ("sync",),
    (
        field("SYNC", "seq"),
        _age("WHEN", "at"),
        state("RESULT", "verdict"),
        field("TARGET", "subject"),
        REVISION,
        Column("CHANGES", _counts),
        _person("WHO", "who"),
        Column("WHY", _why),
    ),
    lambda item: f"{item['chain']}/{item['seq']}",
)
PLUGIN = Kind(
    "Plugin",
    "plugins",
    ("plugin", "pl"),
    (
        field("PLUGIN", "plugin"),
        field("DISTRIBUTION", "distribution"),
        field("VERSION", "version"),
        state("STATE", "state"),
        field("SEAM", "seam"),
        field("NAME", "name"),
        MESSAGE,
    ),
    lambda item: "/".join(part for part in (item["plugin"], item["seam"], item["name"]) if part),
)
KINDS: Sequence[Kind] = (
    *(APPLICATION, TARGET, CLUSTER, SOURCE, HOLD, DRIFT, ALERT, EVENT, SYNC, PLUGIN),
)
RECORDED = (EVENT, SYNC)
"""Kinds of the ledger: there are ever more of them, and none changes."""


def with_clock(kind: Kind) -> Kind:
    """The same with times by the clock of this machine: `3s ago` says nothing in a stream."""
    return replace(
        kind,
        columns=tuple(
            Column("WHEN", lambda item, now: clock_time(item["at"]))
            if each.heading == "WHEN"
            else each
            for each in kind.columns
        ),
    )


def known_names() -> dict[str, Kind]:
    """Every way to write a kind."""
    names = {name: kind for kind in KINDS for name in (kind.path, *kind.aliases)}
    names.pop(EVENT.path)
    return names


def find_kind(text: str) -> Kind:
    """The kind somebody typed, in singular, plural or short form; UnknownName otherwise."""
    names = known_names()
    if kind := names.get(text.lower()):
        return kind
    close = difflib.get_close_matches(text.lower(), names, n=1)
    raise UnknownName(
        f"there is no kind {text}" + (f"; did you mean {close[0]}?" if close else ""),
        next_step=f"kinds are {', '.join(kind.plural for kind in KINDS)}",
    )


def split_name(text: str, namespace: str | None) -> tuple[str, str]:
    """`namespace/name`, or a name in the namespace of `-n`, else in `default`."""
    before, slash, after = text.partition("/")
    if slash and before != "application":  # an inline source is named application/NAME
        return before, after
    return namespace or "default", text
