"""Label selectors as kubectl takes them: `env=prod,tier!=db,region in (eu,us),!canary,gpu`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from shoal.errors import InvalidQuery

Selector = Callable[[Mapping[str, str]], bool]
_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_PART = re.compile(
    rf"""\s*(?:(?P<absent>!)\s*(?P<missing>{_KEY})
        | (?P<key>{_KEY})\s*(?:
            (?P<op>==|=|!=)\s*(?P<value>[A-Za-z0-9._-]*)
          | \s(?P<set>in|notin)\s*\((?P<values>[^()]*)\)
        )?)\s*(?:,|$)""",
    re.VERBOSE,
)


def label_selector(text: str) -> Selector:
    """What the text selects; all parts must hold. Raises InvalidQuery with what cannot be read."""
    parts: list[Selector] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise InvalidQuery(
                f"cannot read {text[at:]!r} in the label selector {text!r}",
                next_step="write KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY or "
                "!KEY, with commas between",
            )
        parts.append(_part(match))
        at = match.end()
    return lambda labels: all(part(labels) for part in parts)


def _part(match: re.Match[str]) -> Selector:
    if match["absent"]:
        return lambda labels: match["missing"] not in labels
    key = match["key"]
    if match["set"]:
        values = {each.strip() for each in match["values"].split(",")}
        if match["set"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match["op"] is None:
        return lambda labels: key in labels
    if match["op"] == "!=":
        return lambda labels: labels.get(key) != match["value"]
    return lambda labels: labels.get(key) == match["value"]
