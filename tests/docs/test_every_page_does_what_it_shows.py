"""Each console block of the documentation is carried out, or says why it cannot be."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import pytest
from tests.docs.pages import PAGES, ROOT, Block, blocks_of, commands_of, looks_like
from tests.docs.playing import Player, needs_clusters

from shoal.cli.root import shoal

CONSOLES = [block for page in PAGES for block in blocks_of(page) if block.language == "console"]
PLAYED = list(dict.fromkeys(block.page for block in CONSOLES if not block.not_run))
SHOWN = [block for block in CONSOLES if block.not_run]


@pytest.mark.parametrize("page", PLAYED, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_followed_line_by_line(
    page: Path, terminal: Callable[[Sequence[Block]], Player]
) -> None:
    blocks = blocks_of(page)
    if any("$ kubectl" in block.text for block in blocks) and not shutil.which("kubectl"):
        pytest.skip("kubectl is not on this machine")

    player = terminal(blocks)

    player.play(blocks)

    assert not player.wrong, "\n\n".join(player.wrong)


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.place)
def test_a_command_that_is_only_shown_can_be_typed(block: Block) -> None:
    for command in commands_of(block):
        for line in re.split(r"&&|\||>", re.sub(r"\$\(.*?\)", "ANY", command.words)):
            program, *words = shlex.split(line)
            if program == "shoal":
                assert_can_be_typed([word for word in words if word != "…"])


def assert_can_be_typed(words: list[str]) -> None:
    """Its commands, options and values are known; what this machine lacks does not matter."""
    command: click.Command = shoal
    context = shoal.make_context("shoal", words, resilient_parsing=True)
    rest = [*context._protected_args, *context.args]
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, f"there is no command {name}"
        command, context = found, click.Context(found, parent=context)
    try:
        command.make_context(command.name, rest, parent=context.parent)
    except click.BadParameter as problem:
        if not re.search("there is none|does not exist", problem.message):
            raise


def test_what_a_page_shows_may_leave_out_what_differs_each_time() -> None:
    assert looks_like("web   at …\n", "web at 1s ago\n")
    assert looks_like("first\n…\nlast\n", "first\na\nb\nlast\n")
    assert looks_like("first\n…\nlast\n", "first\nlast\n")
    assert not looks_like("first\n", "first\nsecond\n")
    assert not looks_like("first\n", "")


def test_pages_share_clusters_and_not_fleets() -> None:
    """What one page leaves on a cluster would be found there by the next as its own."""
    names = [
        name
        for page in PLAYED
        if needs_clusters(blocks_of(page))
        for name in re.findall(r"^kind: Fleet\nmetadata: \{name: (.*?)\}", page.read_text(), re.M)
    ]

    assert sorted(names) == sorted(set(names))
