"""What the live view shows, as a value, and how it is drawn: a matrix, and the last changes.

Knows nothing of processes or time: items come as the command line printed them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shoal_clusters.demo.asking import Item
from shoal_clusters.demo.palette import look_of, state_cell, with_glyph

_EVENTS = 8
_ROWS = 20  # a screen; the worst clusters stand first when there are more
_WELL = ("Synced", "Healthy")
_SHA = 8


@dataclass(slots=True)
class Board:
    """The newest state of every target, and the last events."""

    names: list[str]
    targets: dict[tuple[str, str], Item] = field(default_factory=dict)
    events: deque[Item] = field(default_factory=lambda: deque(maxlen=_EVENTS))

    @property
    def applications(self) -> list[str]:
        """The applications seen so far, by name."""
        return sorted({application for _, application in self.targets})

    def take_target(self, change: Item) -> str:
        """Take one change of a target in; returns it as a line, empty when it shows nothing new."""
        item = change["object"]
        key = (str(item["cluster"]), str(item["application"]))
        before = self.targets.get(key)
        if change["type"] == "Deleted":
            self.targets.pop(key, None)
            return f"{_clock(None)}  {key[0]}/{key[1]}  gone"
        self.targets[key] = item
        line = f"{key[0]}/{key[1]}  {_state_line(item)}"
        if before is not None and _state_line(before) == _state_line(item):
            return ""
        return f"{_clock(None)}  {line}"

    def take_event(self, change: Item) -> None:
        """Take one record of the ledger in."""
        self.events.append(change["object"])

    def first_synced(self) -> str:
        """An application that is synced on every cluster; empty while there is none."""
        for application in self.applications:
            found = [self.targets.get((name, application)) for name in self.names]
            if all(one is not None and one["phase"] == "Synced" for one in found):
                return application
        return ""

    def draw(self) -> RenderableType:
        """The matrix above the last changes."""
        return Group(self._matrix(), Text(), self._changes())

    def _matrix(self) -> RenderableType:
        applications = self.applications
        if not applications:
            return Text("waiting for the first look at the fleet …", style="dim")
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("CLUSTER", no_wrap=True)
        for application in applications:
            table.add_column(f" {application.upper()}", no_wrap=True)
        for name in sorted(self.names, key=self._badness, reverse=True)[:_ROWS]:
            table.add_row(name, *(self._cell(name, each) for each in applications))
        hidden = len(self.names) - _ROWS
        return Group(table, Text(f"… and {hidden} more", style="dim")) if hidden > 0 else table

    def _badness(self, name: str) -> int:
        """0 unless there are more clusters than rows: a short list keeps its order."""
        if len(self.names) <= _ROWS:
            return 0
        found = (self.targets.get((name, each)) for each in self.applications)
        return sum(one is None or one["phase"] != "Synced" for one in found)

    def _cell(self, cluster: str, application: str) -> Text:
        item = self.targets.get((cluster, application))
        return Text("-", style="dim") if item is None else state_cell(_shown_state(item))

    def _changes(self) -> RenderableType:
        table = Table(
            box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=True
        )
        for heading in ("WHEN", "WHAT HAPPENED", "TO", "REVISION", "BY"):
            table.add_column(heading, no_wrap=True)
        table.add_column("WHY", no_wrap=True, overflow="ellipsis", ratio=1)
        for event in self.events:
            table.add_row(
                f"{look_of(str(event['verdict'])).glyph} {_clock(str(event['at']))}",
                str(event["what"]),
                Text(str(event["subject"]).replace("default/", "")),
                _short(str(event["revision"])),
                Text(str(event["who"]).partition(" <")[0]),
                Text(str(event["why"])),
            )
        return table


def _shown_state(item: Item) -> str:
    """The health says more once the objects are as Git has them."""
    phase, health = str(item["phase"]), str(item["health"])
    return health if phase == "Synced" and health not in (*_WELL, "Unknown", "") else phase


def _state_line(item: Item) -> str:
    state = with_glyph(_shown_state(item))
    parts = (state, _short(str(item["revision"])), str(item["message"]))
    return "  ".join(part for part in parts if part)


def _short(revision: str) -> str:
    return revision[:_SHA]


def _clock(at: str | None) -> str:
    when = datetime.fromisoformat(at) if at else datetime.now().astimezone()
    return when.astimezone().strftime("%H:%M:%S")
