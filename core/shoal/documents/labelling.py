"""Setting and taking away labels of a document that people write, and touching nothing else of it.

As in `editing`, text is changed where it stands, in block or in flow style, and what comes of it is
read again: it must be the old document with the new labels, else nothing is written. `cut` takes a
whole document out of a file in the same way. Pure; called for `shoal cluster label` and `rm`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from shoal.documents.editing import document_node, member
from shoal.documents.relating import Identity, is_namespaced
from shoal.documents.yaml_writing import scalar
from shoal.errors import InvalidDocument
from shoal.model.yaml import NotYaml, read_yaml

Labels = Mapping[str, str | None]
"""What to set; None takes the label away."""

_SEPARATOR = re.compile(r"^---(?:[ \t\r\n]|\Z)", re.MULTILINE)


def with_labels(text: str, of: Identity, labels: Labels) -> str:
    """The text with these labels of one document set or gone.

    Raises InvalidDocument when the document is not there, or cannot be changed without harm.
    """
    document_node(text, of)
    # What is set comes first: so the last label's place stays when another one takes it.
    for key, value in sorted(labels.items(), key=lambda label: label[1] is None):
        changed = _without(text, of, key) if value is None else _with(text, of, key, value)
        if not _is_expected(text, changed, of, {key: value}):
            raise InvalidDocument(
                f"{of} is written in a style that cannot be changed safely",
                next_step="change metadata.labels by hand",
            )
        text = changed
    return text


def cut(text: str, of: Identity) -> str:
    """The text without one document; empty when it was the only one."""
    node = document_node(text, of)
    starts = [found.start() for found in _SEPARATOR.finditer(text)]
    begin = max((at for at in starts if at <= node.start_mark.index), default=0)
    end = min((at for at in starts if at >= node.end_mark.index), default=len(text))
    rest = text[:begin] + text[end:]
    documents, kept = _values(text), _values(rest)
    if kept is None or documents is None or len(kept) != len(documents) - 1:
        raise InvalidDocument(f"{of} cannot be cut out of its file", next_step="cut it by hand")
    return rest if kept else ""


def _with(text: str, of: Identity, key: str, value: str) -> str:
    metadata = member(document_node(text, of), "metadata")
    labels = member(metadata, "labels")
    written = f"{scalar(key)}: {scalar(value)}"
    if isinstance(labels, yaml.MappingNode):
        if (there := member(labels, key)) is not None:
            at, end = there.start_mark.index, there.end_mark.index
            return text[:at] + scalar(value) + text[end:]
        return _inserted(text, labels, written)
    if labels is not None:  # `labels:` with nothing behind it
        at = labels.start_mark.index
        return f"{text[:at]} {{{written}}}{text[at:]}"
    assert isinstance(metadata, yaml.MappingNode)
    return _inserted(text, metadata, f"labels: {{{written}}}")


def _inserted(text: str, mapping: yaml.MappingNode, entry: str) -> str:
    """The entry at the end of a mapping, in the style of the mapping."""
    if mapping.flow_style:
        at = mapping.end_mark.index - 1
        return f"{text[:at].rstrip()}{', ' if mapping.value else ''}{entry}{text[at:]}"
    end = text.find("\n", _end_of(mapping.value[-1][1]))
    indent = " " * mapping.start_mark.column
    if end < 0:
        return f"{text}\n{indent}{entry}\n"
    return f"{text[: end + 1]}{indent}{entry}\n{text[end + 1 :]}"


def _end_of(node: yaml.Node) -> int:
    """Where what is written ends: the mark of a block ends behind the blanks that follow it."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    index: int = node.end_mark.index
    return index


def _without(text: str, of: Identity, key: str) -> str:
    metadata = member(document_node(text, of), "metadata")
    labels = member(metadata, "labels")
    if not isinstance(labels, yaml.MappingNode) or member(labels, key) is None:
        return text
    if len(labels.value) == 1 and isinstance(metadata, yaml.MappingNode):
        return _removed(text, metadata, "labels")
    return _removed(text, labels, key)


def _removed(text: str, mapping: yaml.MappingNode, key: str) -> str:
    """Without an entry: its lines in block style, its part of the line in flow style."""
    number = next(n for n, (name, _) in enumerate(mapping.value) if name.value == key)
    name, value = mapping.value[number]
    if not mapping.flow_style:
        begin = text.rfind("\n", 0, name.start_mark.index) + 1
        end = text.find("\n", _end_of(value))
        return text[:begin] + ("" if end < 0 else text[end + 1 :])
    if number + 1 < len(mapping.value):
        return text[: name.start_mark.index] + text[mapping.value[number + 1][0].start_mark.index :]
    before = mapping.value[number - 1][1].end_mark.index if number else name.start_mark.index
    return text[:before] + text[value.end_mark.index :]


def _values(text: str) -> list[Any] | None:
    try:
        return [each.value for each in read_yaml(text.encode()) if each.value is not None]
    except NotYaml:
        return None


def _is_expected(before: str, after: str, of: Identity, labels: Labels) -> bool:
    """Whether the labels are all that has changed."""
    wanted, found = _values(before), _values(after)
    if wanted is None or found is None or len(wanted) != len(found):
        return False
    return [_relabelled(each, of, labels) for each in wanted] == found


def _relabelled(document: Any, of: Identity, labels: Labels) -> Any:
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(metadata, dict):
        return document
    namespace = metadata.get("namespace", "default") if is_namespaced(of.kind) else ""
    if (document.get("kind"), namespace, metadata.get("name")) != tuple(of):
        return document
    merged = {**(metadata.get("labels") or {}), **labels}
    kept = {key: value for key, value in merged.items() if value is not None}
    others = {key: value for key, value in metadata.items() if key != "labels"}
    return {**document, "metadata": {**others, **({"labels": kept} if kept else {})}}
