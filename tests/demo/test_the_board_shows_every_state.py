"""The live view: a matrix of glyph and word, and the last changes, on a screen of 80 columns."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from shoal_clusters.demo.board import Board


def change(cluster: str, application: str, phase: str, **fields: Any) -> dict[str, Any]:
    item = {"cluster": cluster, "application": application, "phase": phase, "message": ""}
    item |= {"health": "Healthy", "revision": "0123456789abcdef"} | fields
    return {"type": "Modified", "object": item}


def drawn(board: Board, columns: int = 80) -> str:
    written = StringIO()
    Console(file=written, width=columns).print(board.draw())
    return written.getvalue()


@pytest.mark.parametrize(
    ("phase", "health", "shown"),
    [
        ("Synced", "Healthy", "✔ Synced"),
        ("Synced", "Progressing", "↻ Progressing"),
        ("Synced", "Degraded", "✖ Degraded"),
        ("Syncing", "Progressing", "↻ Syncing"),
        ("Drifted", "Healthy", "▲ Drifted"),
        ("Failed", "Unknown", "✖ Failed"),
        ("Held", "Healthy", "⏸ Held"),
        ("Unknown", "Unknown", "◌ Unknown"),
    ],
)
def test_a_cell_is_glyph_and_word(phase: str, health: str, shown: str) -> None:
    board = Board(["dev"])

    board.take_target(change("dev", "web", phase, health=health))

    assert shown in drawn(board)


def test_a_line_is_written_when_a_state_changes_and_not_otherwise() -> None:
    board = Board(["dev"])

    assert "dev/web  ↻ Syncing  01234567" in board.take_target(change("dev", "web", "Syncing"))
    assert board.take_target(change("dev", "web", "Syncing", objects=3)) == ""
    assert "dev/web  ✔ Synced" in board.take_target(change("dev", "web", "Synced"))


def test_a_target_that_is_gone_leaves_the_matrix() -> None:
    board = Board(["dev"])
    board.take_target(change("dev", "web", "Synced"))

    line = board.take_target({**change("dev", "web", "Synced"), "type": "Deleted"})

    assert line.endswith("dev/web  gone")
    assert "WEB" not in drawn(board)


def test_the_first_synced_application_is_synced_on_every_cluster() -> None:
    board = Board(["dev", "prod"])
    board.take_target(change("dev", "web", "Synced"))
    assert board.first_synced() == ""

    board.take_target(change("prod", "web", "Synced"))

    assert board.first_synced() == "web"


def test_of_many_clusters_the_troubled_ones_are_shown_first() -> None:
    names = [f"prod-{number}" for number in range(50)]
    board = Board(names)
    for name in names:
        board.take_target(change(name, "web", "Failed" if name == "prod-49" else "Synced"))

    lines = drawn(board).splitlines()

    assert lines[1].startswith("prod-49")
    assert "… and 30 more" in lines[21]


def test_a_change_is_one_line_whatever_it_says() -> None:
    board = Board(["dev"])
    record = {
        "at": "2026-01-02T03:04:05+00:00",
        "verdict": "succeeded",
        "what": "target.synced",
        "subject": "default/web@dev",
        "revision": "0123456789abcdef",
        "who": "Ana [b] <ana@example.com>",
        "why": "A subject line that is far too long for the screen that it is shown on, by far",
    }

    board.take_event({"object": record})

    (line,) = [line for line in drawn(board).splitlines() if "target.synced" in line]
    assert "web@dev" in line
    assert "01234567 " in line
    assert "Ana [b]" in line
    assert "…" in line
