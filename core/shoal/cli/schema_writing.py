"""`shoal schema`: JSON Schema of the documents for editors, from the models of the plugins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from shoal.cli.ending import Ending, note
from shoal.cli.kinds import Kind
from shoal.cli.options import Output, prints
from shoal.cli.plugging import loaded_plugins
from shoal.cli.printing import print_list
from shoal.cli.tables import field
from shoal.errors import Permanent

SCHEMA_FILE = Kind(
    "SchemaFile",
    "schemas",
    (),
    (field("KIND", "kind"), field("FILE", "file")),
    lambda item: str(item["name"]),
)


@click.command()
@click.argument("kind", required=False)
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the schemas as files into this folder and list them: shoal.json for every kind, "
    "and one of each kind.",
)
@prints
def schema(kind: str | None, folder: Path | None, output: Output) -> int:
    """Print the JSON Schema of documents, for editors: of every kind, or of KIND alone.

    Made from the models of the installed plugins, so an editor knows their fields too. The first
    line of a document tells it to editors: `# yaml-language-server: $schema=PATH`.
    """
    from shoal.composition.configuration_file import BESIDE_DOCUMENTS
    from shoal.documents.schema import schema_of, schemas

    seams = loaded_plugins().seams
    if folder is None:
        _print(
            schema_of(kind, seams, BESIDE_DOCUMENTS),
            f"schema/{kind.lower() if kind else 'shoal'}",
            output,
        )
        return Ending.OK
    if kind is not None:
        raise click.UsageError("with --write all kinds are written: leave out KIND")
    items = []
    for name, each in schemas(seams, BESIDE_DOCUMENTS).items():
        file = folder / f"{name}.json"
        write_schema(file, each)
        items.append({"name": name, "kind": each["title"].split()[1], "file": str(file)})
    print_list(output, SCHEMA_FILE, items)
    note(f"tell editors by a first line: # yaml-language-server: $schema={folder}/shoal.json")
    return Ending.OK


def schema_text(schema: Mapping[str, Any]) -> str:
    """A schema as it stands in a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write_schema(file: Path, schema: Mapping[str, Any]) -> None:
    """Write one schema, over what was there: it is made, and not edited."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(schema_text(schema))
    except OSError as error:
        raise Permanent(
            f"{file} cannot be written: {error.strerror}", next_step="give another --write DIR"
        ) from error


def _print(schema: Mapping[str, Any], name: str, output: Output) -> None:
    match output.format:
        case "yaml":
            import yaml

            click.echo(yaml.safe_dump(dict(schema), sort_keys=False, allow_unicode=True), nl=False)
        case "jsonl":
            click.echo(json.dumps(schema, ensure_ascii=False))
        case "name":
            click.echo(name)
        case _:
            click.echo(schema_text(schema), nl=False)
