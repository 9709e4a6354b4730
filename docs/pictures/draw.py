"""Draws the pictures of the README from a real run: `python docs/pictures/draw.py`.

Stages the demo, plays the first steps of the tour, and keeps what the live view showed as SVG.
"""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import anyio
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from shoal.binaries.showing import shown_progress
from shoal_clusters.controlplane.local import Flavour
from shoal_clusters.controlplane.waiting import wait_until
from shoal_clusters.demo.asking import Item
from shoal_clusters.demo.board import Board
from shoal_clusters.demo.fleet import cluster_names
from shoal_clusters.demo.looking import opened_eyes
from shoal_clusters.demo.showing import follow
from shoal_clusters.demo.staging import Stage, set_stage
from shoal_clusters.demo.steps import STEPS, Scene, kill_cluster

FOLDER = Path(__file__).parent
COLUMNS = 132
# As rich has it, with the reader's own fonts: a picture fetches nothing.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace"
)
DARK = TerminalTheme(
    (16, 21, 28),
    (214, 219, 226),
    [
        (16, 21, 28),
        (237, 80, 56),
        (45, 79, 76),
        (252, 222, 62),
        (81, 140, 253),
        (155, 59, 162),
        (81, 140, 253),
        (214, 219, 226),
    ],
)


async def draw() -> None:
    """Play, and draw what the view shows while one cluster is away."""
    with shown_progress() as progress:
        async with set_stage(cluster_names(3), flavour=Flavour(), progress=progress) as stage:
            board = Board(list(stage.clusters))

            def take_target(change: Item) -> None:
                board.take_target(change)

            async with anyio.create_task_group() as group:
                group.start_soon(follow, stage, "targets", take_target)
                group.start_soon(follow, stage, "events", board.take_event)
                await _play(stage)
                await _until_shown(board)
                group.cancel_scope.cancel()
    _save(board, FOLDER / "demo.svg")


async def _play(stage: Stage) -> None:
    async with opened_eyes(stage.clusters) as eyes:
        scene = Scene(stage, eyes)
        for step in STEPS:
            await step.play(scene)
            if step.play is kill_cluster:
                return


async def _until_shown(board: Board) -> None:
    """Until the view has caught up with what was played: the cluster that was killed is Unknown."""

    def is_unknown(item: Item) -> bool:
        return item["phase"] == "Unknown"

    async def is_shown() -> bool:
        away = sum(map(is_unknown, board.targets.values()))
        landed = any("web@prod" in str(event["subject"]) for event in board.events)
        return away >= len(board.applications) and landed

    if not await wait_until(is_shown, seconds=30):
        raise SystemExit("the view never showed that a cluster is away")


def _save(board: Board, file: Path) -> None:
    console = Console(
        file=StringIO(),
        record=True,
        width=COLUMNS,
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(board.draw())
    drawn = console.export_svg(title="shoal demo", theme=DARK, code_format=FORMAT)
    file.write_text("\n".join(line.rstrip() for line in drawn.splitlines()) + "\n")


if __name__ == "__main__":
    anyio.run(draw)
