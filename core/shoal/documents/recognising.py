"""Tells Shoal's documents from all the other YAML that may lie in the same folder.

A fleet can live beside charts, playbooks and manifests: what is of another API group is skipped
without a word. What is nearly ours (another group with one of our kinds, a version we do not know,
no apiVersion at all) was meant for us and is an error: silence would be the worst answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shoal.documents.problems import Problem
from shoal.documents.yaml_reading import ReadDocument
from shoal.model.choice import nearest
from shoal.model.documents import API_VERSION, KINDS

CONFIGURATION = "Configuration"
"""The kind of the file that configures a controller; it is no document of a fleet."""
GROUP = API_VERSION.partition("/")[0]
_NEARLY = re.compile(r"^shoal([./-]|$)|(^|\.)shoal\.", re.IGNORECASE)


def recognise(read: ReadDocument) -> str | Problem | None:
    """The kind of a document of ours; what is wrong with it; None when it is somebody else's."""
    value = read.value
    if not isinstance(value, Mapping):
        return _judge_shape(read)
    api_version = value.get("apiVersion")
    kind = value.get("kind")
    group = _group(api_version)
    if group == GROUP:
        return _judge_kind(read, api_version, kind)
    meant = nearest(kind, KINDS) if isinstance(kind, str) else None
    if meant is None or not (api_version is None or _is_nearly_ours(group)):
        return None
    return Problem(
        read.file,
        read.line_of(("apiVersion",)),
        "apiVersion",
        "required field is missing" if api_version is None else "not a known group",
        expected="" if api_version is not None else API_VERSION,
        suggestion="" if api_version is None else API_VERSION,
    )


def is_half_written(read: ReadDocument) -> bool:
    """Whether a document that is not ours may have been: every object has apiVersion and kind."""
    value = read.value
    if not isinstance(value, Mapping):
        return not value
    return not (value.get("apiVersion") and value.get("kind"))


def _judge_shape(read: ReadDocument) -> Problem | None:
    value = read.value
    if isinstance(value, list) and not any(
        isinstance(item, Mapping) and _group(item.get("apiVersion")) == GROUP for item in value
    ):
        return None
    return Problem(
        read.file,
        read.line,
        "",
        "a list is not a document" if isinstance(value, list) else "plain text is not a document",
        expected="a mapping with apiVersion, kind, metadata and spec",
        next_step="separate documents by lines of ---" if isinstance(value, list) else "",
    )


def _judge_kind(read: ReadDocument, api_version: Any, kind: Any) -> str | Problem:
    if api_version != API_VERSION:
        line = read.line_of(("apiVersion",))
        message = "not a known version"
        return Problem(read.file, line, "apiVersion", message, suggestion=API_VERSION)
    if isinstance(kind, str) and kind in KINDS:
        return kind
    line = read.line_of(("kind",))
    if kind == CONFIGURATION:
        step = "keep it out of the fleet's folder; `shoal config show --config FILE` checks it"
        message = "the configuration of a controller is no document of a fleet"
        return Problem(read.file, line, "kind", message, next_step=step)
    expected = "one of " + ", ".join(KINDS)
    if kind is None:
        return Problem(read.file, line, "kind", "required field is missing", expected)
    suggestion = nearest(kind, KINDS) if isinstance(kind, str) else None
    return Problem(read.file, line, "kind", "not a known kind", expected, suggestion or "")


def _group(api_version: Any) -> str:
    return api_version.partition("/")[0] if isinstance(api_version, str) else ""


def _is_nearly_ours(group: str) -> bool:
    return bool(_NEARLY.search(group)) or nearest(group, [GROUP]) is not None
