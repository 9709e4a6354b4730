"""`shoal get` and `shoal events`: lists of one kind, one thing by name, or what changes."""

from __future__ import annotations

import click

from shoal.api.client import Client
from shoal.cli import completing
from shoal.cli.answering import completeness
from shoal.cli.ending import note
from shoal.cli.finding import Found, list_items, query_of
from shoal.cli.kinds import EVENT, HOLD, RECORDED, TARGET, Kind, find_kind
from shoal.cli.narrowing import Narrowing, narrows
from shoal.cli.options import Output, asks, prints
from shoal.cli.printing import print_item, print_list
from shoal.cli.watching import follow, watch_list

_MANY = (*RECORDED, HOLD, TARGET)
"""One name may be that of many."""
_watch = click.option("-w", "--watch", is_flag=True, help="Go on, and print what changes.")


@click.command()
@click.argument("kind", metavar="KIND", shell_complete=completing.kinds)
@click.argument("name", required=False, shell_complete=completing.names_of_kind)
@narrows
@_watch
@prints
@asks
def get(
    kind: str,
    name: str | None,
    narrowing: Narrowing,
    watch: bool,
    output: Output,
    client: Client,
) -> int:
    """List things of one KIND, or show the one of a NAME.

    Kinds: applications (app), clusters (cl), sources (src), targets (tg), holds, drifts (dr),
    alerts (al), events (ev), syncs, plugins (pl). Names are NAME in the namespace default or
    NAMESPACE/NAME; a target is APPLICATION@CLUSTER; events and syncs take the subject they are
    about, and are the newest 100 unless --limit says otherwise.
    """
    return _get(client, find_kind(kind), name, narrowing, output, watch=watch)


@click.command()
@click.argument("subject", required=False)
@narrows
@_watch
@prints
@asks
def events(
    subject: str | None, narrowing: Narrowing, watch: bool, output: Output, client: Client
) -> int:
    """What happened, newest first, of all or of one SUBJECT; -w goes on with what happens.

    A SUBJECT is an application, APPLICATION@CLUSTER, "cluster NAME" or "source NAMESPACE/NAME".
    """
    return _get(client, EVENT, subject, narrowing, output, watch=watch)


def _get(
    client: Client,
    kind: Kind,
    name: str | None,
    narrowing: Narrowing,
    output: Output,
    *,
    watch: bool,
) -> int:
    query = query_of(kind, name, narrowing)
    found = list_items(client, kind, name, query)
    if watch and kind in RECORDED:
        follow(client, kind, found, query, output)
    elif watch:
        watch_list(kind, found.items, lambda: list_items(client, kind, None, query).items, output)
    _print(output, kind, name, found)
    return completeness(client, kind, found.items, named=name is not None)


def _print(output: Output, kind: Kind, name: str | None, found: Found) -> None:
    if name is not None and len(found.items) == 1 and kind not in _MANY:
        print_item(output, kind, found.items[0])
        return
    print_list(output, kind, found.items, after=found.after, remaining=found.remaining)
    if not found.items:
        note(f"no {kind.plural} found")
    if found.after:
        more = "there is more" if found.remaining is None else f"{found.remaining} more"
        note(f"{more}: --continue {found.after}")
