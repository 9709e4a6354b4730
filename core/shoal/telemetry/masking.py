"""No secret leaves in a text: the one way out, for log lines, spans, records, rows and answers.

A `Masking` takes out what is secret by its place in a text (the user-info of a URL, credentials in
a query, the value of an authorization header) and what is secret because it is known (`known`); and
it cuts what is only read by people to a length. Whatever writes out of the process is handed the
process's one `Masking` and passes everything through `value`. Objects and patches have been through
`shoal.model.masking` by then: a password that was never met cannot be told by its looks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from shoal.model.masking import MASK
from shoal.telemetry.known import KnownSecrets

LIMIT = 2_000
"""Characters of a text that only people read, in a log line or a span."""

# Everything up to the last @ of the authority is user-info (RFC 3986, 3.2.1).
_USER_INFO = re.compile(r"(?<=://)[^/?#\s\"<>]*@")
# People also write passwords with a slash in them. `host:port/` is no such thing.
_LOOSE_USER_INFO = re.compile(r"(?<=://)[^/?#\s\"<>:@\[]*:(?!\d{1,5}(?:[/?#\s\"<>]|$))[^\s\"<>]*@")
_QUERY = re.compile(
    r"(?i)([?&;](?:[\w.-]*(?:token|password|passwd|secret|signature|api_?key)[\w.-]*)=)[^&;#\s\"<>]+"
)
_AUTHORIZATION = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
# What tells a sentence, an address or a setting from a name, a digest or a number.
_PROSE = re.compile(r"[\s\"'=?&:{]")
# Of views and records: what names something. Whoever asked for it by its name gets it by its name.
_NAMES = frozenset({"application", "cluster", "kind", "name", "names", "namespace", "object"})
_SIGNS = ("://", "=", "earer", "asic", "EARER", "ASIC")


def safe(text: str, limit: int | None = LIMIT) -> str:
    """The text without what is secret by its place, at most `limit` characters and a mark of it."""
    if any(sign in text for sign in _SIGNS):
        text = _LOOSE_USER_INFO.sub("", text)
        text = _USER_INFO.sub("", text)
        text = _QUERY.sub(rf"\1{MASK}", text)
        text = _AUTHORIZATION.sub(rf"\1 {MASK}", text)
    return (
        text if limit is None or len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
    )


class Masking:
    """What everything that leaves the process passes; `known` are the secrets met so far."""

    def __init__(self, known: KnownSecrets | None = None) -> None:
        self.known = KnownSecrets() if known is None else known

    def text(self, text: str, limit: int | None = LIMIT) -> str:
        """The text without credentials and known secrets; without `limit` it is not cut."""
        return safe(self.known.hide(text), limit)

    def value(self, value: Any, limit: int | None = LIMIT) -> Any:
        """A value with every text in it made safe, down through lists and mappings.

        Names are left alone: a Secret may hold the name of something, and it stays its name.
        """
        match value:
            case str():
                return self._word(value, limit)
            case None | bool() | int() | float() | date() | timedelta():
                return value
            case bytes():
                return self.text(value.decode(errors="replace"), limit)
            case Mapping():
                return {key: self._member(key, part, limit) for key, part in value.items()}
            case BaseException():
                return self.text(f"{type(value).__name__}: {value}", limit)
        if type(value) in (list, tuple):
            return [self.value(part, limit) for part in value]
        return self.text(str(value), limit)  # a Ref, a path, and whatever else would become a text

    def _member(self, key: Any, part: Any, limit: int | None) -> Any:
        is_name = key in _NAMES and (isinstance(part, str) or key == "names")
        return part if is_name else self.value(part, limit)

    def _word(self, text: str, limit: int | None) -> str:
        """A text that may be one word; to look into each digest and name would cost too much."""
        if _PROSE.search(text):
            return self.text(text, limit)
        return MASK if self.known.knows(text) else safe(text, limit)
