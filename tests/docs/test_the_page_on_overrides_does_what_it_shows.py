"""Each example of docs/how-to/overrides.md, carried out: its files, commands, what they print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from shoal.cli.ending import carry_out

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "overrides.md").read_text()
FLEET = "apiVersion: shoal.dev/v1alpha1\nkind: Fleet\nmetadata: {name: acme}\n"
DOCUMENTS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FILES = re.findall(r'^```yml title="(.*?)"\n(.*?)^```', PAGE, re.MULTILINE | re.DOTALL)
CONSOLES = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    (command, printed)
    for console in CONSOLES
    for command, printed in re.findall(r"^\$ (.*)\n((?:[^$].*\n|\n)*)", console, re.MULTILINE)
]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The files that the page shows, where its commands look for them."""
    files = {f"fleet/{number}.yaml": text for number, text in enumerate([FLEET, *DOCUMENTS])}
    for name, text in {**files, **dict(FILES)}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shoal.composition.lending.cache_folder", lambda: tmp_path / "cache")
    yield
    structlog.reset_defaults()  # the command logs to the stderr of its test


@pytest.mark.parametrize(("command", "printed"), COMMANDS, ids=[each for each, _ in COMMANDS])
def test_a_command_prints_what_the_page_shows(
    command: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *words = shlex.split(command)

    carry_out(words)

    told = capsys.readouterr()
    shown = re.escape(printed).replace("…", ".*")
    assert program == "shoal"
    assert re.fullmatch(shown, told.out or told.err), told


def test_every_application_of_the_page_is_rendered_there() -> None:
    names = re.findall(r"kind: Application\nmetadata: \{name: (.*?)\}", PAGE)

    assert {shlex.split(command)[2] for command, _ in COMMANDS} == set(names)
    assert len(COMMANDS) >= 8
