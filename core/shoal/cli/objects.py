"""How objects are printed: as a stream that `kubectl apply` takes, as a List, by name, as a table.

Only this module shows a whole object; what may be a secret in it is masked, unless somebody asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from shoal.cli.ending import note
from shoal.cli.kinds import Kind
from shoal.cli.options import Output
from shoal.cli.phrasing import clean
from shoal.cli.printing import print_list, write
from shoal.cli.tables import Column, Item, field
from shoal.cli.yaml_stream import stream
from shoal.composition.grouping import Group
from shoal.model.identity import ObjectKey
from shoal.model.manifests import Manifest
from shoal.model.masking import masked_body
from shoal.model.phrases import counted, some_of

_FIRST = ("Namespace", "CustomResourceDefinition")
_SHOWN_CLUSTERS = 10


def _shown_clusters(item: Item) -> str:
    return some_of(item["clusters"], _SHOWN_CLUSTERS)


OBJECT = Kind(
    "Object",
    "objects",
    (),
    (
        field("KIND", "kind"),
        field("NAMESPACE", "namespace"),
        field("NAME", "name"),
        field("FROM", "origin"),
    ),
    lambda item: str(item["name"]),
)
GROUP = Kind(
    "RenderGroup",
    "groups",
    (),
    (
        Column("DIGEST", lambda item, now: str(item["digest"])[:12]),
        field("OBJECTS", "objects"),
        Column("CLUSTERS", lambda item, now: _shown_clusters(item)),
    ),
    lambda item: str(item["digest"])[:12],
)


def print_objects(output: Output, manifests: Sequence[Manifest], *, show_secrets: bool) -> None:
    """The objects in the order in which they can be applied; a YAML stream unless asked otherwise.

    Says on stderr when something was masked.
    """
    ordered = sorted(manifests, key=_rank)
    match output.format:
        case "name":
            for each in ordered:
                click.echo(clean(_name(each.key)))
        case "table":
            print_list(output, OBJECT, [_row(each) for each in ordered])
        case format:
            bodies = list(_bodies(ordered, show_secrets=show_secrets))
            _print_bodies(format, bodies)


def print_groups(output: Output, groups: Sequence[Group]) -> None:
    """Which clusters get the same; a table unless asked otherwise."""
    items = [
        {"digest": each.digest, "objects": len(each.manifests), "clusters": list(each.clusters)}
        for each in groups
    ]
    print_list(output, GROUP, items)


def _rank(manifest: Manifest) -> int:
    """What others need to be there comes first; the order is kept else."""
    kind = manifest.key.kind
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST)


def _name(key: ObjectKey) -> str:
    where = f"{key.namespace}/{key.name}" if key.namespace else key.name
    return f"{str(key.group_kind).lower()}/{where}"


def _row(manifest: Manifest) -> Item:
    key = manifest.key
    return {
        "kind": str(key.group_kind),
        "namespace": key.namespace,
        "name": key.name,
        "origin": manifest.origin,
    }


def _bodies(manifests: Sequence[Manifest], *, show_secrets: bool) -> Iterator[Mapping[str, Any]]:
    count = 0
    for each in manifests:
        body = each.body
        shown = body if show_secrets else masked_body(body)
        count += shown != body
        yield _in_reading_order(shown)
    if count:
        what = counted(count, "object")
        note(f"values of Secrets and variables in {what} are masked; --show-secrets shows them")


def _in_reading_order(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an object is before what it says; a manifest is kept with its keys sorted."""
    ordered = _led(body, ("apiVersion", "kind", "metadata"))
    if isinstance(ordered.get("metadata"), Mapping):
        ordered["metadata"] = _led(ordered["metadata"], ("name", "namespace"))
    return ordered


def _led(value: Mapping[str, Any], first: Sequence[str]) -> dict[str, Any]:
    return {**{key: value[key] for key in first if key in value}, **value}


def _print_bodies(format: str, bodies: Sequence[Mapping[str, Any]]) -> None:
    if format == "json":
        write("json", {"apiVersion": "v1", "kind": "List", "items": bodies})
    elif format == "jsonl":
        for body in bodies:
            click.echo(json.dumps(body, ensure_ascii=False))
    else:
        for text in stream(bodies):
            click.echo(text, nl=False)
