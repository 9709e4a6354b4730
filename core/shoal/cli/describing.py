"""`shoal describe`: everything about one thing, with what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from shoal.api.client import Client
from shoal.cli.answering import completeness
from shoal.cli.differences import difference_lines, patch_lines
from shoal.cli.finding import find_one
from shoal.cli.kinds import EVENT, HOLD, TARGET, Kind, find_kind
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import GLYPHS, clean, colored, now_utc, relative, with_glyph
from shoal.cli.printing import print_one, table_lines
from shoal.cli.tables import Item
from shoal.errors import UnknownName

_TIMES = (
    *("since", "until", "synced_at", "fetched_at", "last_contact", "at", "started_at"),
    *("stale_since", "credential_expiry_time"),
)
_STATES = ("phase", "health", "reachable", "authorized", "ready")


@click.command()
@click.argument("kind", metavar="KIND")
@click.argument("name")
@click.option("-n", "--namespace", help="The namespace of NAME.")
@prints
@asks
def describe(kind: str, name: str, namespace: str | None, output: Output, client: Client) -> int:
    """Everything about the thing of this KIND and NAME; kinds and names are those of `get`."""
    asked = find_kind(kind)
    if asked is EVENT:
        raise UnknownName("events have no names", next_step="use `shoal history APP`")
    item = find_one(client, asked, name, namespace)
    parts = _parts(client, asked, item)
    fields = {**item, **parts}
    lines = [] if output.format != "table" else list(_lines(output, asked, item, parts))
    print_one(output, asked.name, asked.full_name(item), fields, lambda: lines)
    return completeness(client, asked, [item], named=True)


def _parts(client: Client, kind: Kind, item: Item) -> dict[str, list[dict[str, Any]]]:
    """What belongs to it: the targets of an application or a cluster, and the holds on them."""
    if kind.name == "Application":
        targets = client.items("targets", namespace=item["namespace"], application=item["name"])
    elif kind.name == "Cluster":
        targets = client.items("targets", cluster=item["name"])
    else:
        return {}
    subjects = {kind.identity(item), *(TARGET.identity(target) for target in targets)}
    held = [hold for hold in client.items("holds") if hold["subject"] in subjects]
    return {"targets": targets, "holds": held} if kind.name == "Cluster" else _named(targets, held)


def _named(targets: list[dict[str, Any]], held: list[dict[str, Any]]) -> dict[str, Any]:
    """An application already has `holds`, their ids; the whole of them gets a name of its own."""
    return {"targets": targets, "hold_details": held}


def _lines(
    output: Output, kind: Kind, item: Item, parts: dict[str, list[dict[str, Any]]]
) -> Iterator[str]:
    now = now_utc()
    shown = {key: value for key, value in item.items() if value not in (None, "", [], {})}
    for key in ("problems", "patch", "ignore", "warnings", "changes"):
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
    for target in (item, *parts.get("targets", [])):
        yield from _problems(target)
    for heading, of, rows in (
        ("targets", TARGET, parts.get("targets")),
        ("holds", HOLD, parts.get("holds") or parts.get("hold_details")),
    ):
        if rows:
            yield ""
            yield f"{heading}:"
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
