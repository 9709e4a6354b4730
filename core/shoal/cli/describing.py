"""`shoal describe`: everything about one thing, with what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import click

from shoal.api.client import Client, Given
from shoal.cli import completing
from shoal.cli.answering import completeness
from shoal.cli.differences import difference_lines, patch_lines
from shoal.cli.finding import find_one
from shoal.cli.kinds import (
    ALERT,
    APPLICATION,
    CLUSTER,
    DESTINATION,
    EVENT,
    HOLD,
    PLUGIN,
    RECORDED,
    SOURCE,
    TARGET,
    Kind,
    find_kind,
)
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import GLYPHS, clean, colored, now_utc, relative, with_glyph
from shoal.cli.printing import print_one, table_lines
from shoal.cli.recorded import body_lines
from shoal.cli.tables import Item

Parts = Mapping[Kind, list[Item]]
_EVENTS = 5  # `shoal events` has all
_FIELDS: Mapping[tuple[Kind, Kind], str] = {(APPLICATION, HOLD): "hold_details"}
"""Parts whose name is that of a field: an application already has `holds`, their ids."""
_SUBJECTS: Mapping[Kind, tuple[str, str]] = {
    APPLICATION: ("subject", ""),
    TARGET: ("subject", ""),
    CLUSTER: ("cluster", ""),
    SOURCE: ("subject", "source "),
    ALERT: ("subject", "alert "),
}
"""How the events about a thing are asked for, and what stands before its name there."""
_TIMES = (
    *("since", "until", "synced_at", "fetched_at", "last_contact", "at", "started_at"),
    *("stale_since", "credential_expiry_time", "delivered_at", "muted_until"),
)
_STATES = ("phase", "health", "reachable", "authorized", "ready")


@click.command()
@click.argument("kind", metavar="KIND", shell_complete=completing.kinds)
@click.argument("name", shell_complete=completing.names_of_kind)
@click.option(
    "-n", "--namespace", shell_complete=completing.namespaces, help="The namespace of NAME."
)
@prints
@asks
def describe(kind: str, name: str, namespace: str | None, output: Output, client: Client) -> int:
    """Everything about the thing of this KIND and NAME, with what belongs to it.

    Kinds and names are those of `get`; an event or a sync is named by its number.
    """
    asked = find_kind(kind)
    item = find_one(client, asked, name, namespace)
    parts = _parts(client, asked, item)
    told = {**item, **{_FIELDS.get((asked, of), of.plural): rows for of, rows in parts.items()}}
    lines = [] if output.format != "table" else list(_lines(output, asked, item, parts))
    print_one(output, asked.name, asked.full_name(item), told, lambda: lines)
    return completeness(client, asked, [item], named=True)


def _parts(client: Client, kind: Kind, item: Item) -> Parts:
    """What belongs to it: targets, holds on any of them, and the last that happened.

    A target comes with its application: what fails as a whole is not said by any target.
    """
    parts: dict[Kind, list[Item]] = {}
    if kind is APPLICATION:
        parts[TARGET] = _targets(client, namespace=item["namespace"], application=item["name"])
    elif kind is TARGET:
        of = {"namespace": item["namespace"], "name": item["application"]}
        parts[APPLICATION] = list(client.items("applications", **of))
    elif kind is CLUSTER:
        parts[TARGET] = _targets(client, cluster=item["name"])
    elif kind is SOURCE:
        parts[APPLICATION] = [
            one for one in client.items("applications") if one["source"] == kind.identity(item)
        ]
    elif kind is ALERT:
        parts[DESTINATION] = list(item["destinations"])
    elif kind is PLUGIN:
        parts[PLUGIN] = [one for one in client.items("plugins") if one["plugin"] == item["plugin"]]
    if kind in (APPLICATION, CLUSTER, TARGET):
        subjects = {kind.identity(item), *map(TARGET.identity, parts.get(TARGET, ()))}
        parts[HOLD] = [hold for hold in client.items("holds") if hold["subject"] in subjects]
    if kind in _SUBJECTS:
        key, before = _SUBJECTS[kind]
        about: Mapping[str, Given] = {key: f"{before}{kind.identity(item)}", "limit": _EVENTS}
        parts[EVENT] = list(client.items("records", **about))
    return parts


def _targets(client: Client, **of: Given) -> list[Item]:
    return list(client.items("targets", **of))


def _lines(output: Output, kind: Kind, item: Item, parts: Parts) -> Iterator[str]:
    now = now_utc()
    shown = {key: value for key, value in item.items() if value not in (None, "", [], {})}
    for key in ("problems", "patch", "ignore", "warnings", "changes", "body", "destinations"):
        shown.pop(key, None)
    size = max(map(len, shown), default=0) + 1
    yield f"{kind.name} {clean(kind.identity(item))}"
    for key, value in shown.items():
        label = f"{key.replace('_', ' ')}:".ljust(size)
        yield f"  {label}  {_value(key, value, now, color=output.color)}"
    for line in patch_lines(item.get("patch", ()), color=output.color):
        yield f"    {line}"
    for one in item.get("changes") or ():
        yield from (f"  {line}" for line in difference_lines(one, color=output.color))
    for one in item.get("warnings") or ():
        yield f"  ▲ {clean(one['reason'])}: {clean(one['message'])}"
    if kind in RECORDED:
        yield from body_lines(item["body"], color=output.color)
    for target in (item, *parts.get(TARGET, ())):
        yield from _problems(target)
    for of, rows in parts.items():
        if rows:
            yield ""
            yield f"{of.plural}:"
            yield from (f"  {line}" for line in table_lines(output, of, rows))


def _problems(target: Item) -> Iterator[str]:
    problems = target.get("problems") or []
    if problems:
        yield ""
        yield f"problems at {clean(str(target['cluster']))}:"
    for problem in problems:
        told = f"{problem['object']}: {problem['reason']}: {problem['message']}"
        yield f"  ✖ {clean(told)}"


def _value(key: str, value: object, now: datetime, *, color: bool) -> str:
    if key in _TIMES:
        return f"{relative(str(value), now)} ({value})"
    if key in _STATES and str(value) in GLYPHS:
        return colored(with_glyph(str(value)), str(value), color=color)
    if isinstance(value, dict):
        return clean(", ".join(f"{name}={part}" for name, part in value.items()))
    if isinstance(value, list):
        return clean(", ".join(map(str, value)))
    return clean(str(value))
