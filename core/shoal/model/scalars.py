"""What a YAML scalar means, by the rules of `sigs.k8s.io/yaml`.

Manifests are written for kubectl and Helm, which read YAML 1.1 through go-yaml v2: `yes`, `on` and
`y` are booleans, `0644` is 420, while `1:30` and dates are text. `shoal.model.yaml` calls this for
every scalar that it reads; the table in its test was measured against sigs.k8s.io/yaml v1.6.0.
Values are those that JSON can carry, so whole floats are integers here (`1.0` is sent as 1, as Go
writes it).
"""

from __future__ import annotations

import base64
import binascii
import math
import re

_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(
        ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True
    ),
    **dict.fromkeys(
        ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False
    ),
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], math.inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -math.inf),
}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_POINT_FLOAT = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[oO]?(?P<oct>[0-7]+)|0[bB](?P<bin>[01]+)"
    r"|(?P<dec>0|[1-9][0-9]*))"
)
_BASES = {"hex": 16, "oct": 8, "bin": 2, "dec": 10}
_INT64 = range(-(2**63), 2**63)
_UINT64_MAX = 2**64 - 1

Scalar = str | int | float | bool | None


class BadScalar(ValueError):
    """A scalar that JSON cannot carry, or that is not what its tag says; never shows the value."""


def read_scalar(text: str, tag: str | None, *, is_plain: bool) -> Scalar:
    """The value of a scalar with an explicit tag, or of a plain or quoted one without."""
    if tag is None:
        return resolve_plain(text) if is_plain else text
    match tag.removeprefix(_TAG):
        case "binary":
            return _decode_binary(text)
        case "null" | "bool" | "int" | "float" as wanted:
            return _tagged(text, wanted)
        case _:
            return text


def resolve_plain(text: str) -> Scalar:
    """What an unquoted scalar without a tag means."""
    if text in _WORDS:
        value = _WORDS[text]
        if isinstance(value, float):
            raise BadScalar("infinity and NaN cannot be written as JSON; quote it if text is meant")
        return value
    first = text[0]
    if first in "0123456789+-":
        return _number(text.replace("_", ""), text)
    if first == "." and _POINT_FLOAT.fullmatch(text):
        return _whole(float(text.replace("_", "")), text)
    return text


def _number(plain: str, text: str) -> Scalar:
    found = _INTEGER.fullmatch(plain)
    if found is not None:
        base = str(found.lastgroup)
        value = int(found["sign"] + found[base], _BASES[base])
        return value if -(2**63) <= value <= _UINT64_MAX else float(value)
    return _whole(float(plain), text) if _FLOAT.fullmatch(plain) else text


def _whole(value: float, text: str) -> Scalar:
    if math.isinf(value):
        return text
    return int(value) if value.is_integer() and int(value) in _INT64 else value


def _tagged(text: str, wanted: str) -> Scalar:
    value = resolve_plain(text) if text else None
    found = {type(None): "null", bool: "bool", int: "int", float: "float"}.get(type(value), "str")
    if found != wanted and (found, wanted) not in {("int", "float"), ("float", "int")}:
        raise BadScalar(f"the tag !!{wanted} does not fit its value")
    return value


def _decode_binary(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise BadScalar("!!binary needs base64 of UTF-8 text") from error


def key_text(value: Scalar) -> str:
    """A mapping key as JSON has it: always text."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            raise BadScalar("null is not a key; quote it if text is meant")
