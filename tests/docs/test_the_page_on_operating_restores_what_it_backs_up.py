"""The how-to on backups of docs/operations/operating.md, carried out, and what it prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import anyio
import pytest

from shoal.cli.ending import carry_out
from shoal.store import open_store

PAGE = (Path(__file__).parents[2] / "docs" / "operations" / "operating.md").read_text()
SECTION = PAGE.partition("## Backups\n")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"^\$ (.*)\n((?:[^$`].*\n)*)", SECTION, re.MULTILINE)


async def a_state() -> None:
    async with open_store(Path("state")):
        pass


def test_the_commands_of_the_page_print_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    anyio.run(a_state)
    for command, printed in COMMANDS:
        program, *words = shlex.split(command)

        code = carry_out(words)

        told = capsys.readouterr().err
        assert (program, code) == ("shoal", 0), told
        assert re.fullmatch(re.escape(printed).replace("…", ".*"), told), told
    assert len(COMMANDS) == 2
