"""Which values of an object, or of values for a chart, are secret: what no text may repeat.

`masking` hides by place; a message may repeat a value at any place. Whatever a Secret holds counts,
unless its key says that it is public (`username`, `host`), or it is nothing but a common word: a
name that is hidden wherever it stands would make messages unreadable. Of other values only those
count whose key says that they are secret. Pure.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from shoal.model.masking import MASK

SHORTEST = 8
"""Characters; what is shorter can be guessed, and stands in many words by chance."""

_PIECE = 1_024  # characters; a longer value is known by pieces of this length
_MOST_PIECES = 64
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|pwd$|secret|token|credential|api[-_.]?key|private[-_.]?key"
    r"|(^|[-_.])key$|auth$",
    re.IGNORECASE,
)
_PUBLIC_KEY = re.compile(
    r"(user|username|login|email|host|hostname|server|port|database|db|dbname|name|namespace"
    r"|region|zone|endpoint|type|kind|version|ca\.crt|tls\.crt|cafile|certfile|known_hosts)$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z]+|[0-9.]+")


def is_secret_value(key: str, value: str) -> bool:
    """Whether a value of a Secret is one that no text may repeat."""
    if len(value) < SHORTEST or _SECRET_KEY.search(key):
        return len(value) >= SHORTEST
    return not (_PUBLIC_KEY.search(key) or _WORD.fullmatch(value))


def values_of_secrets(body: Any) -> Iterator[str]:
    """The secret values of a Secret, wherever in the object it stands; data is decoded."""
    if isinstance(body, Mapping):
        if str(body.get("kind", "")).endswith("Secret") or "stringData" in body:
            yield from _of_data(body)
        for part in body.values():
            yield from values_of_secrets(part)
    elif isinstance(body, list):
        for part in body:
            yield from values_of_secrets(part)


def values_among(values: Any, key: str = "") -> Iterator[str]:
    """Of values for templates, or a values file, those whose key says that they are secret."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from values_among(value, str(name))
    elif isinstance(values, list):
        for value in values:
            yield from values_among(value, key)
    elif isinstance(values, str) and len(values) >= SHORTEST and _SECRET_KEY.search(key):
        yield values


def _of_data(body: Mapping[str, Any]) -> Iterator[str]:
    for name in ("data", "stringData"):
        part = body.get(name)
        for key, value in part.items() if isinstance(part, Mapping) else ():
            if not isinstance(value, str):
                continue
            plain = _decoded(value) if name == "data" else value
            if plain is not None and is_secret_value(str(key), plain):
                yield plain
            elif plain is None and len(value) >= SHORTEST:
                yield value  # no base64, which the API server will refuse, or no text


def _decoded(value: str) -> str | None:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def forms(value: str) -> Iterator[str]:
    """The ways in which a value may stand in a text: as it is, in base64, quoted, escaped.

    Long ones come by line and by piece; what is shorter than `SHORTEST` does not come at all.
    """
    value = value.strip()
    encoded = base64.b64encode(value.encode(errors="replace")).decode()
    yield from _pieces(encoded.rstrip("="))
    for line in value.splitlines()[:_MOST_PIECES]:
        if not line.startswith("-----"):  # the first line of every key is the same
            for form in dict.fromkeys((line, quote(line, safe=""), json.dumps(line)[1:-1])):
                yield from _pieces(form)


def without(text: str, values: Iterable[str]) -> str:
    """The text without these values, in any of their forms; for a few values and a short text."""
    for form in sorted({form for value in values for form in forms(value)}, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _pieces(text: str) -> Iterator[str]:
    for at in range(0, min(len(text), _PIECE * _MOST_PIECES), _PIECE):
        piece = text[at : at + _PIECE]
        if len(piece) >= SHORTEST:
            yield piece
