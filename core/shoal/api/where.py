"""The small language of `--where`: `health=degraded and (region=~eu-* or not suspended)`.

    condition   FIELD OP VALUE, or FIELD alone: it is there, and not zero, empty or false
    OP          =  !=  =~ (glob)  !~  <  <=  >  >=
    VALUE       a word, or text in quotes
    between     and, or, not, ( ); `and` binds closer than `or`

Values are read by the sort of the field: numbers as numbers, times as RFC 3339 or as a distance
from now (`since > 10m`: more than ten minutes ago; `credential_expiry_time < 7d`: within a week).
Text is compared without regard to case. Of a list, `=` and `=~` ask for any part, `!=` and `!~`
for none. What is not there is equal to nothing. Pure: text and fields in, a predicate out.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import translate
from typing import Any, NoReturn

from shoal.api.fields import Field, Fields, Sort, field_named, texts
from shoal.errors import InvalidQuery
from shoal.model.durations import parse_duration

Predicate = Callable[[Any], bool]
LONGEST = 2000
_DEEPEST = 20
_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[()]) | (?P<op>=~|!~|!=|>=|<=|==|=|>|<)
        | "(?P<double>[^"]*)" | '(?P<single>[^']*)' | (?P<word>[^\s()=!<>~"']+))""",
    re.VERBOSE,
)
_WORDS = ("and", "or", "not")
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    sort: str
    at: int

    @property
    def is_value(self) -> bool:
        return self.sort in ("word", "single", "double")


def compiled(
    text: str, known: Fields, items: Sequence[Any], *, what: str, now: datetime
) -> Predicate:
    """The predicate that the text says, over items with these fields.

    Raises InvalidQuery with the place in the text, or with the names of the fields.
    """
    if len(text) > LONGEST:
        raise InvalidQuery(f"a condition has at most {LONGEST} characters")
    reader = _Reader(text, _tokens(text), known, items, what, now)
    found = reader.either()
    if reader.token is not None:
        reader.refuse("`and` or `or`")
    return found


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            rest = text[at:].strip()
            raise InvalidQuery(
                f"cannot read {rest[:20]!r} in the condition {text!r}",
                next_step="write FIELD OP VALUE, such as health=degraded; put odd text in quotes",
            )
        found.append(_Token(match.group(match.lastgroup), match.lastgroup, match.start()))
        at = match.end()
    return found


@dataclass(slots=True)
class _Reader:
    """Reads tokens from left to right."""

    text: str
    tokens: list[_Token]
    known: Fields
    items: Sequence[Any]
    what: str
    now: datetime
    at: int = 0
    depth: int = 0

    @property
    def token(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def refuse(self, wanted: str) -> NoReturn:
        found = f"{self.token.text!r}" if self.token else "its end"
        raise InvalidQuery(
            f"in the condition {self.text!r}, {wanted} is missing before {found}",
            next_step="write FIELD OP VALUE, such as 'health=degraded and region=~eu-*'; OP is one "
            "of = != =~ !~ < <= > >=",
        )

    def _takes(self, *words: str) -> bool:
        token = self.token
        if token is None or token.sort not in ("word", "mark") or token.text.lower() not in words:
            return False
        self.at += 1
        return True

    def either(self) -> Predicate:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda item: any(each(item) for each in parts)

    def _both(self) -> Predicate:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda item: all(each(item) for each in parts)

    def _one(self) -> Predicate:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise InvalidQuery("the condition is nested too deeply")
        try:
            if self._takes("not"):
                inner = self._one()
                return lambda item: not inner(item)
            if self._takes("("):
                found = self.either()
                if not self._takes(")"):
                    self.refuse("`)`")
                return found
            return self._condition()
        finally:
            self.depth -= 1

    def _condition(self) -> Predicate:
        token = self.token
        if token is None or token.sort != "word" or token.text.lower() in _WORDS:
            self.refuse("a field")
        self.at += 1
        asked = field_named(self.known, token.text, self.items, self.what)
        op = self.token
        if op is None or op.sort != "op":
            return lambda item: bool(asked.read(item))
        self.at += 1
        value = self.token
        if value is None or not value.is_value:
            self.refuse("a value")
        self.at += 1
        return _comparison(asked, op.text, value.text, self.now)


def _comparison(asked: Field, op: str, text: str, now: datetime) -> Predicate:
    if op in ("=", "=="):
        return _equal(asked, text, now)
    if op == "!=":
        equal = _equal(asked, text, now)
        return lambda item: not equal(item)
    if op in ("=~", "!~"):
        pattern = re.compile(translate(text.lower()))
        is_wanted = op == "=~"
        return lambda item: (
            is_wanted is any(pattern.match(each.lower()) for each in _texts_of(asked, item))
        )
    return _ordered(asked, op, text, now)


def _texts_of(asked: Field, item: Any) -> list[str]:
    value = asked.read(item)
    return [] if value is None else texts(value)


def _equal(asked: Field, text: str, now: datetime) -> Predicate:
    if asked.sort is Sort.NUMBER:
        number = _number(asked, text)
        return lambda item: bool(asked.read(item) == number)
    if asked.sort is Sort.TRUTH:
        if text.lower() not in _TRUTHS:
            raise _wrong(asked, text)
        truth = _TRUTHS[text.lower()]
        return lambda item: asked.read(item) is truth
    if asked.sort is Sort.TIME:
        at = _time(asked, text, now)
        if isinstance(at, timedelta):
            raise InvalidQuery(
                f"{asked.name} is never just {text} from now", next_step="compare by < or >"
            )
        return lambda item: bool(asked.read(item) == at)
    wanted = text.lower()
    return lambda item: any(each.lower() == wanted for each in _texts_of(asked, item))


def _ordered(asked: Field, op: str, text: str, now: datetime) -> Predicate:
    compare = _ORDERS[op]
    read, bound = _measured(asked, text, now)

    def holds(item: Any) -> bool:
        value = read(item)
        return value is not None and compare(value, bound)

    return holds


def _measured(asked: Field, text: str, now: datetime) -> tuple[Callable[[Any], Any], Any]:
    """What of an item is compared, and with what."""
    if asked.sort is Sort.NUMBER:
        return asked.read, _number(asked, text)
    if asked.sort is Sort.TEXT:
        return asked.read, text
    if asked.sort is not Sort.TIME:
        raise InvalidQuery(f"{asked.name} is {asked.sort}, which is neither more nor less")
    bound = _time(asked, text, now)
    if isinstance(bound, datetime):
        return asked.read, bound

    def distance(item: Any) -> timedelta | None:
        at = asked.read(item)
        return None if at is None else abs(now - at)

    return distance, bound


def _number(asked: Field, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _wrong(asked, text) from None


def _time(asked: Field, text: str, now: datetime) -> datetime | timedelta:
    with suppress(ValueError):
        return parse_duration(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(asked, text) from None
    return at if at.tzinfo else at.replace(tzinfo=now.tzinfo)


def _wrong(asked: Field, text: str) -> InvalidQuery:
    example = {
        Sort.NUMBER: "3",
        Sort.TIME: "10m (so far from now) or 2026-01-31T12:00:00Z",
        Sort.TRUTH: "true",
    }[asked.sort]
    return InvalidQuery(
        f"{asked.name} is {asked.sort}, and {text!r} is not", next_step=f"write {example}"
    )
