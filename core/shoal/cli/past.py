"""`shoal history` and `shoal trace`: what happened, and how long each part of it took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from shoal.api.client import Client
from shoal.cli.application_options import (
    any_application_argument,
    application_argument,
    namespace_option,
)
from shoal.cli.ending import Ending, note
from shoal.cli.finding import find_one, list_items, query_of
from shoal.cli.kinds import APPLICATION, EVENT, Kind, split_name
from shoal.cli.narrowing import Narrowing, narrows
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import clean, colored
from shoal.cli.printing import print_list
from shoal.cli.tables import Item, terminal_width

_USUAL = 30
SPAN = Kind("Span", "trace", (), (), lambda item: str(item["span_id"]))


@click.command()
@any_application_argument
@narrows
@prints
@asks
def history(application: str | None, narrowing: Narrowing, output: Output, client: Client) -> int:
    """What happened to APP, or to everything: who, what, when and why, newest first.

    The newest 30, unless --limit says otherwise; `shoal events -w` goes on with what happens.
    """
    subject = None
    if application is not None:
        subject = "/".join(split_name(application, narrowing.namespace))
    limit = narrowing.limit or _USUAL
    query = {**query_of(EVENT, subject, narrowing), "limit": limit}
    found = list_items(client, EVENT, subject, query)
    if not found.items and application is not None:
        find_one(client, APPLICATION, application, narrowing.namespace)
    if not found.items:
        note("nothing is recorded")
    print_list(output, EVENT, found.items, after=found.after)
    if found.after:
        note(f"there is more: --continue {found.after}")
    return Ending.OK


@click.command()
@application_argument
@namespace_option
@prints
@asks
def trace(application: str, namespace: str | None, output: Output, client: Client) -> int:
    """The latest sync of APP, from commit to each cluster, as a waterfall of spans."""
    one = find_one(client, APPLICATION, application, namespace)
    spans = client.items("trace", namespace=one["namespace"], name=one["name"])
    if not spans:
        note(
            "no trace is kept of this application: nothing was synced since the controller started"
        )
    if output.format != "table":
        print_list(output, SPAN, spans)
        return 0
    if spans and output.headers:
        note(f"trace {spans[0]['trace_id']}")
    for line in _waterfall(spans):
        click.echo(_colored(line, color=output.color))
    return 0


def _waterfall(spans: Sequence[Item]) -> Sequence[str]:
    """Spans as bars on one time line; drawn by `telemetry`, which costs an import."""
    from shoal.telemetry.ring import SpanView
    from shoal.telemetry.waterfall import render_waterfall

    views = [
        SpanView(
            name=clean(span["name"]),
            trace_id=span["trace_id"],
            span_id=span["span_id"],
            parent_id=span["parent_id"],
            start=datetime.fromisoformat(span["start"]),
            end=datetime.fromisoformat(span["end"]),
            attributes={key: clean(str(value)) for key, value in span["attributes"].items()},
            status=span["status"],
            status_message=clean(span["status_message"]),
        )
        for span in spans
    ]
    return render_waterfall(views, width=terminal_width() or 100)


def _colored(line: str, *, color: bool) -> str:
    return colored(line, "Failed", color=color) if " ✖ " in line else line
