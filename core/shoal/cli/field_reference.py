"""`shoal explain`: what may be written at a path of a document, from the models themselves."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from shoal.cli.ending import Ending
from shoal.cli.options import Output, prints
from shoal.cli.plugging import loaded_plugins
from shoal.cli.printing import print_one

if TYPE_CHECKING:
    from shoal.documents.explaining import FieldEntry, FieldPage

_WIDTH = 92


@click.command()
@click.argument("path", metavar="KIND[.FIELD...]")
@prints
def explain(path: str, output: Output) -> int:
    """Tell what may be written at a path of a document, such as `application.spec.sync`.

    With types, defaults and presets; the key of a plugin leads to the plugin's own fields, as in
    `source.spec.git`. Lists are stepped over. `configuration` is what a controller is told.
    """
    from shoal.composition.configuration_file import BESIDE_DOCUMENTS
    from shoal.documents.explaining import explain as page_about

    page = page_about(path, loaded_plugins().seams, BESIDE_DOCUMENTS)
    print_one(output, "FieldPage", f"field/{page.path}", asdict(page), lambda: list(_lines(page)))
    return Ending.OK


def _lines(page: FieldPage) -> Iterator[str]:
    yield f"{page.path}: {page.type}"
    yield from _wrapped(page.description, 2)
    if page.fields:
        yield ""
        yield "fields"
        for field in page.fields:
            yield f"  {field.name}: {_summary(field)}"
            yield from _wrapped(field.description, 6)
    if page.presets:
        yield ""
        yield "presets"
        for name, said in page.presets.items():
            told = ", ".join(f"{field}: {value}" for field, value in said.items())
            yield from _wrapped(f"{name}: {told}", 2)


def _summary(field: FieldEntry) -> str:
    if field.required:
        return f"{field.type} (required)"
    return field.type + (f" (default {field.default})" if field.default else "")


def _wrapped(text: str, indent: int) -> list[str]:
    space = " " * indent
    return textwrap.wrap(text, _WIDTH, initial_indent=space, subsequent_indent=space)
