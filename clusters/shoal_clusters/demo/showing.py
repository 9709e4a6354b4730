"""Shows the running demo until it is interrupted: a live view in a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from time import monotonic

import anyio
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from shoal_clusters.demo.asking import Item
from shoal_clusters.demo.board import Board
from shoal_clusters.demo.staging import Stage
from shoal_clusters.demo.suggesting import Suggestion, suggest

_AGAIN_SECONDS = 0.5
_HINT = "Ctrl-C stops everything and removes it"
Show = Callable[[str], None]


@dataclass(slots=True)
class _View:
    """The board, and when the first application was synced."""

    console: Console
    board: Board
    began: float
    show: Show
    is_synced: bool = False

    def take_target(self, change: Item) -> None:
        self.show(self.board.take_target(change))
        if not self.is_synced and (application := self.board.first_synced()):
            self.is_synced = True
            seconds = monotonic() - self.began
            self.console.print(
                f"✔ {application} is the first application synced everywhere, "
                f"{seconds:.1f} s after the start",
                highlight=False,
                soft_wrap=True,
            )

    def take_event(self, change: Item) -> None:
        self.board.take_event(change)
        self.show("")


async def show_demo(stage: Stage, console: Console, *, began: float) -> None:
    """Show what goes on, for ever; raises NotRunning when `shoal run` ends. `began`: monotonic."""
    _print_suggestions(console, await suggest(stage))
    board = Board(list(stage.clusters))
    with _shown(console, board) as show:
        view = _View(console, board, began, show)
        async with anyio.create_task_group() as group:
            group.start_soon(follow, stage, "targets", view.take_target)
            group.start_soon(follow, stage, "events", view.take_event)
            raise await stage.controller_ended()


async def follow(stage: Stage, kind: str, take: Callable[[Item], None]) -> None:
    """Hand every change on; a follower that ends is replaced."""
    while True:
        async with stage.shoal.follow(kind) as changes:
            async for change in changes:
                take(change)
        await anyio.sleep(_AGAIN_SECONDS)


def _shown(console: Console, board: Board) -> AbstractContextManager[Show]:
    return _shown_live(console, board) if console.is_terminal else nullcontext(_lines(console))


@contextmanager
def _shown_live(console: Console, board: Board) -> Iterator[Show]:
    def draw() -> Group:
        return Group(Text(), board.draw(), Text(), Text(_HINT, style="dim"))

    # Drawn when something changed and not otherwise, so that text can be selected and copied.
    with Live(draw(), console=console, auto_refresh=False) as live:
        yield lambda line: live.update(draw(), refresh=True)


def _lines(console: Console) -> Show:
    def show(line: str) -> None:
        if line:
            console.print(line, highlight=False, markup=False, soft_wrap=True)

    return show


def _print_suggestions(console: Console, suggestions: Sequence[Suggestion]) -> None:
    console.print("[bold]Three things to try[/], in another terminal:")
    for number, suggestion in enumerate(suggestions, 1):
        console.print(f"\n{number}. {suggestion.title}", highlight=False)
        for command in suggestion.commands:
            # Wrapped by the terminal only: a line broken by us could not be pasted.
            console.print(f"     {command}", highlight=False, markup=False, soft_wrap=True)
    console.print()
