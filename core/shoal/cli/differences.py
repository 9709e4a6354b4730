"""Differences as a person reads them: what each object would lose and gain, and where.

A patch (RFC 6902) says what a field becomes; what it is now stands in a `test` before it, where
that is known. Texts of several lines are compared line by line, objects that are not there yet are
shown whole. Everything comes masked; nothing is looked up here.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from shoal.cli.phrasing import clean
from shoal.model.phrases import some_of
from shoal.model.pointers import steps_of

Operation = Mapping[str, Any]
_SIGNS: Mapping[str, str] = {
    "create": "+",
    "delete": "-",
    "refuse": "!",
    "hand over": "-",
    "let go": "-",
}
_COLORS: Mapping[str, str] = {"+": "green", "-": "red", "~": "yellow", "!": "bright_red"}
_DONE: Mapping[str, str] = {
    "edited": "was changed",
    "missing": "was deleted",
    "added": "has fields that were added",
    "taken": "was taken over",
    "unmarked": "had its shoal.dev marks taken off",
}
_PLAIN_STEP = re.compile(r"[A-Za-z_$][\w$-]*", re.ASCII)
_SHOWN_CLUSTERS = 5
_LONGEST = 160
_MOST_LINES = 60  # of one object: its file shows the rest


def difference_lines(difference: Mapping[str, Any], *, color: bool) -> Iterator[str]:
    """One difference: what would happen to which object and where, why, and field by field."""
    sign = _SIGNS.get(difference["action"], "~")
    where = f" {on_clusters(difference['clusters'])}" if difference["clusters"] else ""
    title = f"{sign} {difference['action']} {difference['object']}{where}"
    yield _painted(title, sign, color=color, bold=True)
    reasons = [difference["reason"], difference["cause"]]
    told = ": ".join(reason for reason in reasons if reason)
    if difference["unverified"]:
        told += " (not tried out: what it needs is not there yet, or a webhook allows no dry run)"
    if told:
        yield f"    {clean(told.strip())}"
    if difference["next_step"]:
        yield f"    next: {clean(difference['next_step'])}"
    yield from (f"    {line}" for line in patch_lines(difference["patch"], color=color))


def on_clusters(clusters: Sequence[str]) -> str:
    """`on dev`, `on 38 clusters: dev-1, dev-2 and 36 more`."""
    if len(clusters) == 1:
        return f"on {clusters[0]}"
    return f"on {len(clusters)} clusters: {some_of(clusters, _SHOWN_CLUSTERS)}"


def which_drifted(drift: Mapping[str, Any]) -> str:
    """`Deployment.apps shop/web and 3 more was changed`."""
    objects = drift["objects"]
    more = f" and {len(objects) - 1} more" if len(objects) > 1 else ""
    return f"{objects[0]}{more} {_DONE[drift['kind']]}"


def said_of_drift(drift: Mapping[str, Any]) -> str:
    """A drift as one sentence: what, where, by which client."""
    who = ", ".join(f"client {name}" for name in drift["clients"]) or "an unknown client"
    return f"{which_drifted(drift)} by {who} {on_clusters(drift['clusters'])}"


def patch_lines(patch: Iterable[Operation], *, color: bool) -> Iterator[str]:
    """A patch, one line for what goes and one for what comes; cut when it is very long."""
    lines = [line for line in _signed(patch) if line]
    for line in lines[:_MOST_LINES]:
        yield _painted(clean(line), line[0], color=color)
    if len(lines) > _MOST_LINES:
        yield f"… and {len(lines) - _MOST_LINES} more lines; -o yaml shows all"


def place(pointer: str) -> str:
    """A JSON Pointer as people write fields: `spec.containers[0].image`, `data["app.conf"]`."""
    text = ""
    for name in steps_of(pointer):
        if name == "-" or name.isdigit():
            text += f"[{name}]"
        elif _PLAIN_STEP.fullmatch(name):
            text += f".{name}" if text else name
        else:
            text += f"[{json.dumps(name, ensure_ascii=False)}]"
    return text


def _signed(patch: Iterable[Operation]) -> Iterator[str]:
    known: dict[str, Any] = {}
    for operation in patch:
        path, op = operation["path"], operation["op"]
        if op == "test":
            known[path] = operation["value"]
        elif op == "remove":
            yield from _valued("-", path, known[path]) if path in known else [f"- {place(path)}"]
        elif op in ("move", "copy"):
            yield f"~ {place(path)}: {op} of {place(operation['from'])}"
        elif op == "replace" and path in known:
            yield from _replaced(path, known[path], operation["value"])
        else:
            yield from _valued("+" if op == "add" else "~", path, operation["value"])


def _replaced(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        yield f"~ {place(path)}:"
        compared = difflib.unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm="")
        for line in list(compared)[2:]:
            yield f"    {line}" if line.startswith("@@") else f"{line[0]}   {line[1:]}"
        return
    yield from _valued("-", path, before)
    yield from _valued("+", path, after)


def _valued(sign: str, path: str, value: Any) -> Iterator[str]:
    """A field with its value; whole objects, and what does not fit a line, below it as YAML."""
    where = place(path)
    short = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if where and "\n" not in short and len(short) <= _LONGEST:
        yield f"{sign} {where}: {short}"
        return
    if where:
        yield f"{sign} {where}:"
    import yaml  # 20 ms, for what does not fit a line

    dumped = value if isinstance(value, str) else yaml.safe_dump(value, sort_keys=False)
    indent = "  " if where else ""
    yield from (f"{sign} {indent}{line}" for line in dumped.splitlines())


def _painted(line: str, sign: str, *, color: bool, bold: bool = False) -> str:
    if not color or sign not in _COLORS:
        return line
    return click.style(line, fg=_COLORS[sign], bold=bold or None)
