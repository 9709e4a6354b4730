"""Adding to a document that people write, and touching nothing else of it.

A YAML library that writes documents forgets comments, order and style. Here lines are inserted, and
what comes of it is read again: it must be the old value with the addition and nothing else, else
nothing is written. So a style that is not understood (flow style, anchors, odd indentation) is
refused, and never harmed. Pure; called for `shoal drift … --write`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import yaml

from shoal.documents.relating import Identity, is_namespaced
from shoal.documents.yaml_writing import dumped
from shoal.errors import InvalidDocument

Items = Sequence[dict[str, Any]]


def with_items(text: str, of: Identity, path: Sequence[str], items: Items) -> str:
    """The text with items at the end of a list of one document; the list is made when missing.

    `path` leads through mappings to the list, such as `spec`, `sync`, `ignore`. Raises
    InvalidDocument when the document is not there, or cannot be added to without harm.
    """
    document = document_node(text, of)
    lines = text.splitlines(keepends=True)
    at, added = _insertion(document, path, items)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    changed = "".join([*lines[:at], added, *lines[at:]])
    if not _is_expected(text, changed, of, path, items):
        raise InvalidDocument(
            f"{of} is written in a style that nothing can be added to safely",
            next_step="add it by hand",
        )
    return changed


def document_node(text: str, of: Identity) -> yaml.MappingNode:
    """Where a document stands in a text; InvalidDocument when nobody finds it there."""
    with suppress(yaml.YAMLError):
        for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
            if isinstance(node, yaml.MappingNode) and _identity(node) == of:
                return node
    raise InvalidDocument(f"there is no {of} in this file", next_step="name another file")


def _identity(node: yaml.MappingNode) -> Identity:
    metadata = member(node, "metadata")
    found = (member(node, "kind"), member(metadata, "namespace"), member(metadata, "name"))
    kind, namespace, name = (str(each.value) if each else "" for each in found)
    return Identity(kind, (namespace or "default") if is_namespaced(kind) else "", name)


def _insertion(document: yaml.MappingNode, path: Sequence[str], items: Items) -> tuple[int, str]:
    """Before which line to insert what: as deep on the path as there is something to add to."""
    node: yaml.Node = document
    for depth, step in enumerate(path):
        below = member(node, step)
        if below is None:
            missing: Any = list(items)
            for name in reversed(path[depth + 1 :]):
                missing = {name: missing}
            return _end(node), _dumped({step: missing}, _column(node))
        node = below
    return _end(node), _dumped(list(items), _column(node))


def member(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """What a mapping has under a name; None when it has nothing, or is no mapping."""
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _column(node: yaml.Node) -> int:
    column: int = node.start_mark.column
    return column


def _end(node: yaml.Node) -> int:
    """The line after the last one that belongs to a block; comments behind it stay behind."""
    last = node
    while isinstance(last, yaml.CollectionNode) and last.value:
        last = last.value[-1][1] if isinstance(last, yaml.MappingNode) else last.value[-1]
    line: int = last.end_mark.line
    return line + 1 if last.end_mark.column else line


def _dumped(value: Any, indent: int) -> str:
    lines = dumped(value).splitlines()
    return "".join(f"{' ' * indent if line else ''}{line}\n" for line in lines)


def _is_expected(before: str, after: str, of: Identity, path: Sequence[str], items: Items) -> bool:
    """Whether the only change to all documents of the file is the addition."""
    try:
        nodes = list(yaml.compose_all(before, Loader=yaml.SafeLoader))
        wanted, found = list(yaml.safe_load_all(before)), list(yaml.safe_load_all(after))
    except yaml.YAMLError:
        return False
    for node, document in zip(nodes, wanted, strict=True):
        if isinstance(node, yaml.MappingNode) and _identity(node) == of:
            return _add(document, path, items) and bool(wanted == found)
    return False


def _add(document: Any, path: Sequence[str], items: Items) -> bool:
    below = document
    for step in path[:-1]:
        below = below.setdefault(step, {})
        if not isinstance(below, dict):
            return False
    below[path[-1]] = [*(below.get(path[-1]) or []), *items]
    return True
