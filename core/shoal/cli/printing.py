"""Every format of `-o`, for lists and for single things. Only this module writes data to stdout."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from shoal.api.answers import envelope, single
from shoal.cli.options import Output
from shoal.cli.phrasing import clean, now_utc

if TYPE_CHECKING:
    from shoal.cli.kinds import Kind
    from shoal.cli.tables import Item


def print_list(
    output: Output,
    kind: Kind,
    items: Sequence[Item],
    *,
    after: str = "",
    remaining: int | None = None,
) -> None:
    """A list, or a page of it: a table, an envelope, a name or an object per line."""
    match output.format:
        case "json" | "yaml":
            write(output.format, envelope(kind.name, items, after=after, remaining=remaining))
        case "jsonl":
            for item in items:
                write("jsonl", single(kind.name, item))
        case "name":
            for item in items:
                click.echo(clean(kind.full_name(item)))
        case _:
            print_table(output, kind, items)


def print_one(
    output: Output, kind: str, name: str, fields: Item, text: Callable[[], Sequence[str]]
) -> None:
    """One thing; `text` gives its lines for a person."""
    match output.format:
        case "json" | "yaml" | "jsonl":
            write(output.format, single(kind, fields))
        case "name":
            click.echo(clean(name))
        case _:
            for line in text():
                click.echo(line, color=output.color)


def print_item(output: Output, kind: Kind, item: Item) -> None:
    """One item of a kind: as a table of one row, or as a single object."""
    lines = [] if output.format != "table" else table_lines(output, kind, [item])
    print_one(output, kind.name, kind.full_name(item), item, lambda: lines)


def print_table(
    output: Output, kind: Kind, items: Sequence[Item], sizes: list[int] | None = None
) -> None:
    """A table; nothing at all for an empty list, not even headings."""
    for line in table_lines(output, kind, items, sizes) if items else ():
        click.echo(line, color=output.color)


def table_lines(
    output: Output, kind: Kind, items: Sequence[Item], sizes: list[int] | None = None
) -> list[str]:
    """The lines of a table of a kind; `sizes` remembers the columns for what follows."""
    from shoal.cli.tables import format_table, terminal_width  # 5 ms that one thing need not pay

    return format_table(
        items,
        kind.columns,
        now=now_utc(),
        headers=output.headers,
        color=output.color,
        width=terminal_width(),
        sizes=sizes,
    )


def write(format: str, value: Mapping[str, Any]) -> None:
    """A value as a document of `json`, `jsonl` or `yaml`."""
    if format == "yaml":
        import yaml

        click.echo(
            "---\n" + yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True), nl=False
        )
    else:
        click.echo(json.dumps(value, ensure_ascii=False, indent=2 if format == "json" else None))
