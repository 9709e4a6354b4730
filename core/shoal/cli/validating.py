"""`shoal validate`: the documents of a fleet, checked offline, all problems at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shoal.cli.ending import Ending, note
from shoal.cli.kinds import Kind
from shoal.cli.options import Output, prints
from shoal.cli.phrasing import clean
from shoal.cli.printing import print_list
from shoal.cli.tables import Item
from shoal.errors import BudgetExceeded, UnknownName

if TYPE_CHECKING:
    from shoal.documents.problems import Problem

_FILE_BYTES = 4 * 1024 * 1024  # a document that people write has some hundred lines
PROBLEM = Kind("Problem", "problems", (), (), lambda item: f"{item['file']}:{item['line']}")


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("."))
@prints
def validate(path: Path, output: Output) -> int:
    """Check the documents in PATH (a folder or a file; here, when left out) offline.

    Every problem is a line: file, line, field, what is wrong and what was expected. Exit code 1
    when there is any. The models are those of the installed plugins.
    """
    from shoal.composition.loading import load_plugins
    from shoal.documents.loading import load

    if not path.exists():
        raise UnknownName(f"there is no {path}", next_step="give the fleet's folder")
    plugins = load_plugins()
    for failed in plugins.failed:
        note(f"warning: plugin {failed.plugin} of {failed.distribution}: {failed.message}")
    files = dict(_read(path))
    loaded = load(files, plugins.seams)
    if output.format == "table":
        for problem in loaded.problems:
            click.echo(clean(problem.as_text()))
    else:
        print_list(output, PROBLEM, [_fields(problem) for problem in loaded.problems])
    note(_summary(len(loaded.problems), len(loaded.documents), len(files)))
    return Ending.NO if loaded.problems else Ending.OK


def _summary(problems: int, documents: int, files: int) -> str:
    valid = (
        f"{documents} valid document{'s' * (documents != 1)} in {files} file{'s' * (files != 1)}"
    )
    return f"{problems} problem{'s' * (problems != 1)}, {valid}" if problems else f"✔ {valid}"


def _fields(problem: Problem) -> Item:
    return {
        "file": problem.file,
        "line": problem.line,
        "field": problem.field,
        "message": problem.message,
        "expected": problem.expected,
        "suggestion": problem.suggestion,
        "next_step": problem.next_step,
    }


def _read(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every `*.yaml` below a folder, as the fleet is read; links are not followed."""
    if path.is_file():
        yield path.name, _content(path)
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder) / name
            if name.endswith((".yaml", ".yml")) and file.is_file() and not file.is_symlink():
                yield file.relative_to(path).as_posix(), _content(file)


def _content(file: Path) -> bytes:
    if file.stat().st_size > _FILE_BYTES:
        raise BudgetExceeded(
            f"{file} is larger than {_FILE_BYTES // 1024 // 1024} MiB",
            next_step="keep what is not a document of the fleet in another folder",
        )
    return file.read_bytes()
