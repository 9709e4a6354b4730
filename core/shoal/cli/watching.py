"""Lists that go on: what is there, then what comes, changes and goes.

Events come by a stream of the controller, from the very place where the list ended; one that breaks
is taken up again there, so that none is missed or told twice. Other lists are asked for again every
second: they are read from the controller's memory, and no cluster is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NoReturn

from shoal.api.answers import fields_alone, single
from shoal.api.client import Client
from shoal.cli.ending import note
from shoal.cli.finding import Found, Query
from shoal.cli.kinds import Kind, with_clock
from shoal.cli.options import Output
from shoal.cli.printing import print_list, print_table, write
from shoal.cli.tables import Item
from shoal.errors import NotRunning

WATCH_SECONDS = 1.0
_ALWAYS_MOVING = ("last_contact", "queued")  # would make every cluster look changed all the time


def follow(client: Client, kind: Kind, found: Found, query: Query, output: Output) -> NoReturn:
    """Print the list, oldest first, then every record as it comes; ends by an interrupt only."""
    kind = with_clock(kind)
    sizes: list[int] = []
    _print_changes(kind, found.items[::-1], output, sizes)
    narrowed = {key: value for key, value in query.items() if key not in ("limit", "continue")}
    seen, is_away = found.seen, False
    while True:
        try:
            for item in client.lines(f"{kind.path}/stream", **{**narrowed, "after": seen}):
                seen, is_away = item["seq"], False
                _print_changes(kind, [fields_alone(item)], output, sizes)
        except (NotRunning, TimeoutError):
            pass
        if not is_away:
            note("the controller went away; going on from here when it is back")
            is_away = True
        time.sleep(WATCH_SECONDS)


def watch_list(
    kind: Kind, items: list[Item], look_again: Callable[[], list[Item]], output: Output
) -> NoReturn:
    """Print the list, then every change; ends by an interrupt or an error only."""
    shown: dict[str, Item] = {}
    sizes: list[int] = []
    while True:
        now = {kind.identity(item): item for item in items}
        changed = [
            item
            for key, item in now.items()
            if key not in shown or _facts(item) != _facts(shown[key])
        ]
        gone = [item for key, item in shown.items() if key not in now]
        _print_changes(kind, changed, output, sizes, gone=gone, shown=shown)
        shown = now
        time.sleep(WATCH_SECONDS)
        items = look_again()


def _facts(item: Item) -> dict[str, object]:
    return {key: value for key, value in item.items() if key not in _ALWAYS_MOVING}


def _print_changes(
    kind: Kind,
    changed: list[Item],
    output: Output,
    sizes: list[int],
    *,
    gone: Sequence[Item] = (),
    shown: Collection[str] = (),
) -> None:
    """What came or changed, and what is `gone`; `shown` are those that were printed before.

    A table goes on in the columns of before, its `sizes`, with headings the first time.
    """
    if output.format in ("json", "jsonl", "yaml"):
        for item in changed:
            word = "Modified" if kind.identity(item) in shown else "Added"
            write(_streamed(output), _event(word, kind, item))
        for item in gone:
            write(_streamed(output), _event("Deleted", kind, item))
    elif output.format == "name":
        print_list(output, kind, changed)
    else:
        headers = output.headers and not sizes
        print_table(Output("table", headers, output.color), kind, changed, sizes)
        for item in gone:
            note(f"gone: {kind.full_name(item)}")


def _streamed(output: Output) -> str:
    return "yaml" if output.format == "yaml" else "jsonl"


def _event(word: str, kind: Kind, item: Item) -> Mapping[str, Any]:
    """As Kubernetes streams what it watches."""
    return {"type": word, "object": single(kind.name, item)}
