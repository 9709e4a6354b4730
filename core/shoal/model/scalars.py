"""What a YAML scalar means, by the rules of `sigs.k8s.io/yaml`.

Manifests are written for kubectl and Helm, which read YAML 1.1 through go-yaml v2: `yes`, `on` and
`y` are booleans, `0644` is 420, while `1:30` and dates are text. `shoal.model.yaml` calls this for
every scalar that it reads; a test compares it with the original. A float is kept as one until it is
known where it stands: a value is what JSON carries (`1.0` is sent as 1, as Go writes it), a key is
the text that Go makes of it.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from datetime import date
from decimal import Decimal

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
_MOST_DIGITS = 4000
_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)
_TIMESTAMP = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2})"
    r"((?P<between>[Tt]| +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2}):(?P<second>[0-9]{1,2})"
    r"([.,][0-9]+)?(?P<zone>Z|[-+](?P<ahead>[0-9]{2}):(?P<minutes>[0-9]{2}))?)?"
)
_BASE64 = re.compile("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_LARGEST = {"hour": 23, "minute": 59, "second": 59, "ahead": 24, "minutes": 59}
_FLOAT32_DIGITS = 9  # so many tell all floats of 32 bits apart

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
        case "timestamp":
            return _tagged_timestamp(text)
        case "null" | "bool" | "int" | "float" as wanted:
            return _tagged(text, wanted)
        case _:
            return text


def resolve_plain(text: str) -> Scalar:
    """What an unquoted scalar without a tag means; a float stays one, also where it is whole."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first in "0123456789+-":
        return _number(text.replace("_", ""), text)
    if first == "." and _POINT_FLOAT.fullmatch(text):
        return _finite(text.replace("_", ""), text)
    return text


def _number(plain: str, text: str) -> Scalar:
    found = _INTEGER.fullmatch(plain)
    # More digits than Python reads (CVE-2020-10735) are no integer of 64 bits in any base.
    if found is not None and len(plain) <= _MOST_DIGITS:
        base = str(found.lastgroup)
        value = int(found["sign"] + found[base], _BASES[base])
        if value in _INT64 or (not found["sign"] and value in _UINT64):
            return value
    return _finite(plain, text) if _FLOAT.fullmatch(plain) else text


def _finite(plain: str, text: str) -> Scalar:
    value = float(plain)
    return text if math.isinf(value) else value


def _tagged(text: str, wanted: str) -> Scalar:
    value = resolve_plain(text)
    found = {type(None): "null", bool: "bool", int: "int", float: "float"}.get(type(value), "str")
    if found == wanted:
        return value
    if wanted == "float" and type(value) is int and value in _INT64:
        return float(value)
    raise BadScalar(f"the tag !!{wanted} does not fit its value")


def _tagged_timestamp(text: str) -> str:
    found = _TIMESTAMP.fullmatch(text)
    if found is None or not _is_moment(found):
        raise BadScalar("the tag !!timestamp does not fit its value")
    return text


def _is_moment(found: re.Match[str]) -> bool:
    year, month, day = map(int, found["date"].split("-"))
    try:
        date(year or 4, month, day)  # the year 0 was a leap year, as the year 4 was
    except ValueError:
        return False
    if found["between"] and (found["between"] in "Tt") != bool(found["zone"]):
        return False
    return all(int(found[name] or 0) <= largest for name, largest in _LARGEST.items())


def _decode_binary(text: str) -> str:
    encoded = re.sub("[\r\n]", "", text)
    try:
        # Python decodes with any padding, Go with the right one only.
        decoded = base64.b64decode(encoded).decode() if _BASE64.fullmatch(encoded) else None
    except UnicodeDecodeError:
        decoded = None
    if decoded is None:
        raise BadScalar("!!binary needs base64 of UTF-8 text")
    return decoded


def json_value(value: Scalar) -> Scalar:
    """A scalar that stands as a value, as JSON has it: whole floats are integers."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise BadScalar("infinity and NaN cannot be written as JSON; quote it if text is meant")
    # Go writes the fewest digits that tell a float from others, and then noughts.
    whole = int(Decimal(repr(value))) if value.is_integer() else None
    return value if whole is None or whole not in _INT64 else whole


def key_text(value: Scalar) -> str:
    """A mapping key as JSON has it: always text."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return _float_text(value)
        case int() if value in _INT64:
            return str(value)
        case int():
            raise BadScalar("a number as large as this is not a key; quote it if text is meant")
        case _:
            raise BadScalar("null is not a key; quote it if text is meant")


def _float_text(value: float) -> str:
    """strconv.FormatFloat(value, 'g', -1, 32) of Go: the shortest text, of 32 bits only."""
    if math.isnan(value):
        return ".nan"
    try:
        short = _as_float32(value)
    except OverflowError:
        short = math.copysign(math.inf, value)
    if math.isinf(short):
        return ".inf" if short > 0 else "-.inf"
    shown = (f"{short:.{digits}e}" for digits in range(_FLOAT32_DIGITS))
    mantissa, _, exponent = next(
        each for each in shown if _as_float32(float(each)) == short
    ).partition("e")
    if -4 <= int(exponent) < 6:
        decimals = len(mantissa.partition(".")[2]) - int(exponent)
        return f"{short:.{max(0, decimals)}f}"
    return f"{mantissa}e{exponent}"


def _as_float32(value: float) -> float:
    (short,) = struct.unpack("f", struct.pack("f", value))
    return float(short)
