"""`shoal get`: lists of one kind, one thing by name, or what changes as it changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import click

from shoal.api.client import Client
from shoal.cli.answering import completeness
from shoal.cli.ending import note
from shoal.cli.finding import list_events, list_items, query_of
from shoal.cli.kinds import EVENT, KINDS, Kind, find_kind
from shoal.cli.options import Output, asks, prints
from shoal.cli.printing import print_item, print_list, print_table, write
from shoal.cli.tables import Item

WATCH_SECONDS = 1.0
_ALWAYS_MOVING = ("last_contact", "queued")  # would make every cluster look changed all the time


def _complete_kind(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    names = [name for kind in KINDS for name in (kind.path, *kind.aliases) if name != "records"]
    return [name for name in names if name.startswith(incomplete)]


@click.command()
@click.argument("kind", metavar="KIND", shell_complete=_complete_kind)
@click.argument("name", required=False)
@click.option("-n", "--namespace", help="Only this namespace; without it, all of them.")
@click.option("-c", "--cluster", help="Only this cluster.")
@click.option("-w", "--watch", is_flag=True, help="Go on, and print what changes.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Most events."
)
@prints
@asks
def get(
    kind: str,
    name: str | None,
    namespace: str | None,
    cluster: str | None,
    watch: bool,
    limit: int,
    output: Output,
    client: Client,
) -> int:
    """List things of one KIND, or show the one of a NAME.

    Kinds: applications (app), clusters (cl), sources (src), targets (tg), holds, drifts (dr),
    events (ev). Names are NAME in the namespace default or NAMESPACE/NAME; a target is
    APPLICATION@CLUSTER; events take the subject they are about.
    """
    asked = find_kind(kind)
    query = query_of(asked, name, namespace=namespace, cluster=cluster, limit=limit)
    if asked is EVENT and cluster is not None:
        look = partial(list_events, client, name, cluster, limit=limit)
        items, look_again = look(), partial(look, most_pages=1)  # what is new is on the first
    else:
        items = list_items(client, asked, name, query)
        look_again = partial(list_items, client, asked, None, query)
    if watch:
        _watch(asked, items, look_again, output)
    if _is_one(asked, name, items):
        print_item(output, asked, items[0])
    else:
        print_list(output, asked, items)
    if not items:
        note(f"no {asked.path if asked is not EVENT else 'events'} found")
    return completeness(client, asked, items, named=name is not None)


def _is_one(kind: Kind, name: str | None, items: list[Item]) -> bool:
    """Was one thing named? An application names many targets, a subject many events and holds."""
    return name is not None and len(items) == 1 and kind.name not in ("Event", "Hold", "Target")


def _watch(
    kind: Kind, items: list[Item], look_again: Callable[[], list[Item]], output: Output
) -> None:
    """Print the list, then every change; ends by an interrupt or an error only."""
    shown: dict[str, Item] = {}
    while True:
        now = {kind.identity(item): item for item in items}
        changed = [
            item
            for key, item in now.items()
            if key not in shown or _facts(item) != _facts(shown[key])
        ]
        gone = [] if kind is EVENT else [item for key, item in shown.items() if key not in now]
        _print_changes(kind, changed, gone, shown, output)
        shown = now
        time.sleep(WATCH_SECONDS)
        items = look_again()


def _facts(item: Item) -> dict[str, object]:
    return {key: value for key, value in item.items() if key not in _ALWAYS_MOVING}


def _print_changes(
    kind: Kind, changed: list[Item], gone: list[Item], shown: dict[str, Item], output: Output
) -> None:
    if kind is EVENT:
        changed = changed[::-1]  # newest last, as a stream goes on
    if output.format in ("json", "jsonl", "yaml"):
        for item in changed:
            word = "Modified" if kind.identity(item) in shown else "Added"
            write("yaml" if output.format == "yaml" else "jsonl", _event(word, kind, item))
        for item in gone:
            write("yaml" if output.format == "yaml" else "jsonl", _event("Deleted", kind, item))
    elif output.format == "name":
        print_list(output, kind, changed)
    else:
        print_table(Output("table", output.headers and not shown, output.color), kind, changed)
        for item in gone:
            note(f"gone: {kind.full_name(item)}")


def _event(word: str, kind: Kind, item: Item) -> dict[str, object]:
    return {"type": word, "object": {"kind": kind.name, **item}}
