"""`shoal init`: the files of a new fleet, made where nothing of that name is yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shoal.cli.ending import Ending, note
from shoal.cli.fleet_files import read_fleet
from shoal.cli.fleet_folder import FolderType, write_new
from shoal.cli.kinds import Kind
from shoal.cli.options import Output, prints
from shoal.cli.plugging import loaded_plugins
from shoal.cli.printing import print_list
from shoal.cli.tables import Item, field, state
from shoal.errors import Permanent

if TYPE_CHECKING:
    from shoal.documents.scaffolding import Wanted

SCAFFOLD_FILE = Kind(
    "ScaffoldFile",
    "files",
    (),
    (field("FILE", "file"), state("STATE", "state")),
    lambda item: str(item["file"]),
)
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _agreed_name(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    if name is not None and not _NAME.fullmatch(name):
        raise click.BadParameter("lower-case letters, digits and hyphens, at most 63")
    return name


name_option = click.option(
    "--name",
    metavar="NAME",
    callback=_agreed_name,
    help="The fleet's name; made of the folder's when left out.",
)


@click.command()
@click.argument(
    "folder", type=FolderType("`shoal bootstrap URL` begins a fleet there"), default=Path(".")
)
@name_option
@prints
def init(folder: Path, name: str | None, output: Output) -> int:
    """Make the files of a fleet in FOLDER: a name, a source, an application, and what to do next.

    In a repository by its URL a fleet is begun by `shoal bootstrap`.

    What is there already is kept as it is. The documents are valid together, and nothing is done
    to any cluster: clusters are added by `shoal cluster add`.
    """
    from shoal.documents.scaffolding import Wanted, fleet_name, next_steps

    wanted = Wanted(name=name or fleet_name(folder.absolute().name))
    items = scaffolded(folder, wanted_files(wanted))
    print_list(output, SCAFFOLD_FILE, items)
    if all(item["state"] == "Kept" for item in items):
        note("nothing to make: all of it is there")
    note("next:")
    for step in next_steps(str(folder), is_repository=(folder / ".git").exists()):
        note(f"  {step}")
    return Ending.OK


def wanted_files(wanted: Wanted) -> Mapping[str, str]:
    """Every file of a fleet as it will be, the schema of the installed plugins too."""
    from shoal.cli.schema_writing import schema_text
    from shoal.documents.scaffolding import SCHEMA_FILE, scaffold
    from shoal.documents.schema import schema_of

    schema = schema_text(schema_of(None, loaded_plugins().seams))
    return {**scaffold(wanted), SCHEMA_FILE: schema}


def scaffolded(folder: Path, files: Mapping[str, str]) -> list[Item]:
    """Write what is missing; Permanent when another file of the folder holds a fleet already."""
    _refuse_second_fleet(folder)
    return list(written(folder, files))


def written(folder: Path, files: Mapping[str, str]) -> Iterator[Item]:
    """Write each file that is missing, and say what became of it; what is there is kept."""
    for name, text in files.items():
        file = folder / name
        is_there = file.exists()
        if not is_there:
            write_new(file, text)
        yield {"file": str(file), "state": "Kept" if is_there else "Made"}


def _refuse_second_fleet(folder: Path) -> None:
    """A folder whose fleet stands elsewhere would get a second one, and then neither counts."""
    from shoal.documents import load

    if not folder.exists():
        return
    found = load(read_fleet(folder), loaded_plugins().seams)
    for identity, located in found.documents.items():
        if identity.kind == "Fleet" and located.file != "fleet.yaml":
            raise Permanent(
                f"the fleet {identity.name} is in this folder already: {located.where}",
                next_step="see `shoal validate`; `shoal cluster add` adds clusters to it",
            )
