"""Shows the tour while it is played: a table that fills in a terminal, a line per step elsewhere.

The table that closes it is data, on standard output; the lines before it are progress, on standard
error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from shoal_clusters.demo.palette import look_of
from shoal_clusters.demo.staging import Stage
from shoal_clusters.demo.steps import STEPS, Step
from shoal_clusters.demo.touring import Played, play_steps

_FRAMES_PER_SECOND = 8


async def perform_tour(stage: Stage, console: Console) -> bool:
    """Play the tour and show it; whether every step held."""
    with _shown(console) as tell:
        played = await play_steps(stage, tell)
    if not console.is_terminal:
        console.print(_table(played, None))
    failed = next((one for one in played if not one.holds), None)
    if failed is not None:
        click.echo(_failure(failed, played), err=True)
        return False
    seconds = sum(one.seconds for one in played)
    click.echo(f"\nAll {len(played)} steps hold, in {seconds:.1f} s. The last sync of web:\n")
    click.echo((await stage.shoal.show("trace", "web")).rstrip())
    return True


@contextmanager
def _shown(console: Console) -> Iterator[Callable[[Step | Played], None]]:
    if not console.is_terminal:
        yield _say
        return
    played: list[Played] = []
    with Live(console=console, refresh_per_second=_FRAMES_PER_SECOND) as live:

        def draw(news: Step | Played) -> None:
            if isinstance(news, Played):
                played.append(news)
            live.update(_table(played, news if isinstance(news, Step) else None), refresh=True)

        yield draw


def _say(news: Step | Played) -> None:
    if isinstance(news, Played):
        glyph, number = look_of(_state(news)).glyph, STEPS.index(news.step) + 1
        line = f"{glyph} {number}/{len(STEPS)} {news.step.title} ({news.seconds:.1f} s)"
        click.echo(line, err=True)


def _table(played: list[Played], current: Step | None) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("")
    table.add_column("STEP", no_wrap=True)
    table.add_column("WHAT WAS SEEN")
    table.add_column("SECONDS", justify="right", no_wrap=True)
    for one in played:
        look = look_of(_state(one))
        seconds = f"{one.seconds:.2f}"
        table.add_row(
            Text(f" {look.glyph} ", style=look.style), one.step.title, Text(one.seen), seconds
        )
    if current is not None:
        table.add_row(Spinner("dots"), current.title, "", "")
    return table


def _state(played: Played) -> str:
    return "succeeded" if played.holds else "failed"


def _failure(failed: Played, played: list[Played]) -> str:
    return (
        f"\nerror: step {len(played)} of {len(STEPS)} does not hold: {failed.step.title}\n"
        f"  expected: {failed.expected}\n"
        f"  seen:     {failed.seen}"
    )
