"""`shoal validate`: the documents of a fleet, checked offline, all problems at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shoal.cli.ending import Ending, note
from shoal.cli.fleet_files import read_fleet
from shoal.cli.fleet_folder import FolderType
from shoal.cli.kinds import Kind
from shoal.cli.options import Output, prints
from shoal.cli.phrasing import clean
from shoal.cli.plugging import loaded_plugins
from shoal.cli.printing import print_list
from shoal.cli.progress import ticking
from shoal.cli.tables import Item
from shoal.model.phrases import counted

if TYPE_CHECKING:
    from shoal.documents.problems import Problem

PROBLEM = Kind("Problem", "problems", (), (), lambda item: f"{item['file']}:{item['line']}")


@click.command()
@click.argument(
    "path",
    type=FolderType(
        "name a clone; `shoal doctor --fleet URL` looks at its documents, too", file_okay=True
    ),
    default=Path("."),
)
@click.option("--strict", is_flag=True, help="Take warnings for problems.")
@prints
def validate(path: Path, strict: bool, output: Output) -> int:
    """Check the documents in PATH (a folder or a file; here, when left out) offline.

    Those of a fleet in Git are checked in a clone, before they are pushed.
    Every problem is a line: file, line, field, what is wrong and what was expected. Exit code 1
    when there is any. What is valid and probably not meant is a warning on stderr. The models are
    those of the installed plugins.
    """
    from shoal.documents.loading import load

    files = read_fleet(path)
    plugins = loaded_plugins()
    with ticking(f"reading {counted(len(files), 'file')}"):
        loaded = load(files, plugins.seams)
    problems = sorted({*loaded.problems, *loaded.warnings}) if strict else loaded.problems
    warnings = () if strict else loaded.warnings
    if output.format == "table":
        for problem in problems:
            click.echo(clean(problem.as_text()))
    else:
        print_list(output, PROBLEM, [_fields(problem) for problem in problems])
    for warning in warnings:
        note(f"warning: {warning.as_text()}")
    note(_summary(len(problems), len(warnings), len(loaded.documents), len(files)))
    return Ending.NO if problems else Ending.OK


def _summary(problems: int, warnings: int, documents: int, files: int) -> str:
    valid = f"{counted(documents, 'valid document')} in {counted(files, 'file')}"
    doubts = f", {counted(warnings, 'warning')}" if warnings else ""
    told = f"{counted(problems, 'problem')}, {valid}" if problems else f"✔ {valid}"
    return told + doubts


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
