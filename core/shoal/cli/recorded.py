"""What a record of the ledger holds, line by line: each object, what was done, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from shoal.cli.differences import patch_lines
from shoal.cli.phrasing import clean, colored

_OWN = ("changes", "further", "refused", "error")
_STATES: Mapping[str, str] = {"failed": "Failed", "applied": "Synced", "deleted": "Synced"}


def body_lines(body: Mapping[str, Any], *, color: bool) -> Iterator[str]:
    """The details of one record; nothing for a record that has none."""
    for name, value in body.items():
        if name not in _OWN and value not in ("", None, [], {}):
            yield f"  {clean(name.replace('_', ' '))}: {clean(_short(value))}"
    if body.get("error"):
        yield from _error(body["error"], color=color)
    for one in body.get("changes") or ():
        yield from _change(one, color=color)
    for one in body.get("further") or ():
        where = f" in {one['namespace']}" if one["namespace"] else ""
        told = f"{one['action']} {one['kind']}{where}: {one['status']}: {', '.join(one['names'])}"
        yield f"  {clean(told)}"
    for one in body.get("refused") or ():
        yield f"  {clean(one['object'])}: refused"
        yield from _error(one, color=color)


def _short(value: Any) -> str:
    """A value in one line: `applied=10, failed=1` for a few of them."""
    if isinstance(value, dict) and all(isinstance(each, (str, int)) for each in value.values()):
        return ", ".join(f"{name}={part}" for name, part in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _change(one: Mapping[str, Any], *, color: bool) -> Iterator[str]:
    cause = f" ({one['cause']})" if one.get("cause") else ""
    told = f"{one['action']} {one['object']}: {one['status']}{cause}"
    yield f"  {colored(clean(told), _STATES.get(one['status'], ''), color=color)}"
    yield from (f"      {line}" for line in patch_lines(one.get("patch") or (), color=color))
    if one.get("reason"):
        yield from _error(one, color=color)
    if one.get("note"):
        yield f"      {clean(one['note'])}"


def _error(error: Mapping[str, Any], *, color: bool) -> Iterator[str]:
    told = f"{error['reason']}: {error['message']}"
    yield f"      {colored(clean(told), 'Failed', color=color)}"
    if error.get("next_step"):
        yield f"      next: {clean(error['next_step'])}"
