"""No secret leaves in a text: the one function that spans and log lines pass through.

It takes out what is secret by its place: the user-info of a URL, credentials in a query, the value
of an authorization header; and it cuts texts to a length. It cannot know a password by its looks,
so nobody hands it manifest bodies.
"""

from __future__ import annotations

import re
from typing import Any

LIMIT = 2_000
MASK = "***"

# Everything up to the last @ of the authority is user-info (RFC 3986, 3.2.1).
_USER_INFO = re.compile(r"(?<=://)[^/?#\s\"<>]*@")
# People also write passwords with a slash in them. `host:port/` is no such thing.
_LOOSE_USER_INFO = re.compile(r"(?<=://)[^/?#\s\"<>:@\[]*:(?!\d{1,5}(?:[/?#\s\"<>]|$))[^\s\"<>]*@")
_QUERY = re.compile(
    r"(?i)([?&;](?:[\w.-]*(?:token|password|passwd|secret|signature|api_?key)[\w.-]*)=)[^&;#\s\"<>]+"
)
_AUTHORIZATION = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_SIGNS = ("://", "=", "earer", "asic", "EARER", "ASIC")


def safe(text: str, limit: int = LIMIT) -> str:
    """The text without credentials, at most `limit` characters and a mark that it was cut."""
    if any(sign in text for sign in _SIGNS):
        text = _LOOSE_USER_INFO.sub("", text)
        text = _USER_INFO.sub("", text)
        text = _QUERY.sub(rf"\1{MASK}", text)
        text = _AUTHORIZATION.sub(rf"\1 {MASK}", text)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def safe_value(value: Any) -> Any:
    """A value with every text in it made safe, down through lists and mappings."""
    match value:
        case str():
            return safe(value)
        case dict():
            return {key: safe_value(part) for key, part in value.items()}
        case list() | tuple():
            return [safe_value(part) for part in value]
        case BaseException():
            return safe(f"{type(value).__name__}: {value}")
        case _:
            return value
