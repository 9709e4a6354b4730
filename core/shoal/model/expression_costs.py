"""What an expression can cost at most, judged by its text and by the size of what it reads.

CEL always comes to an end, but not always soon: comprehensions inside comprehensions multiply, and
a chain of them that doubles a text each time fills any memory. The library evaluates in one go and
cannot be interrupted, so the bound is found before: from the number of comprehensions, how deep
they stand in one another, and what they put together. Too careful rather than too generous; a rule
of the usual kind stays far below it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

MOST_CHARACTERS = 4096
"""The longest expression; the parser's own stack is proven by tests up to here."""
MOST_STEPS = 1_000_000
"""Steps of one evaluation at most; some 60 ns each, so the loop is never held for long."""
MOST_BYTES = 256 * 1024 * 1024
"""Characters that one evaluation may look at or copy at most."""

COMPREHENSIONS = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "map"})
_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*)
    |(?P<text>[rRbB]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<name>[A-Za-z_]\w*)
    |(?P<number>\d[\w.]*)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One word or mark of an expression. `at` is its place in the text."""

    sort: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text alone says of the cost.

    `exponent` is how often a step may be repeated for each item of the largest collection, as a
    power; `growth` how many times larger what is put together may be than what was read; `listed`
    how many items stand in the text itself.
    """

    tokens: int
    exponent: int
    growth: int
    additions: int
    listed: int
    bound: frozenset[str]


class Size(NamedTuple):
    """The most items of a collection, and the longest text, in what an expression reads."""

    items: int
    characters: int


@dataclass(slots=True)
class _Comprehension:
    """One that is open while the text is read. `parts` counts what its body puts together."""

    depth: int
    parts: int = 1


def tokens_of(source: str) -> Iterator[Token]:
    """The words and marks of an expression; blanks and comments are left out."""
    for found in _TOKEN.finditer(source):
        sort = found.lastgroup or "mark"
        if sort != "blank":
            yield Token(sort, found.group(), found.start())


def shape_of(source: str) -> Shape:
    """Read the text once."""
    tokens = list(tokens_of(source))
    opened, bound = list[_Comprehension | None](), set[str]()
    deepest = maps = additions = listed = 0
    growth = 1
    for index, token in enumerate(tokens):
        inner = [each for each in opened if each is not None]
        if token.text in ("(", "[", "{"):
            is_one = token.text == "(" and _is_comprehension(tokens, index)
            opened.append(_Comprehension(len(opened) + 1) if is_one else None)
            if is_one:
                bound.add(tokens[index + 1].text if index + 1 < len(tokens) else "")
                maps += tokens[index - 1].text == "map"
                deepest = max(deepest, len(inner) + 1)
        elif token.text in (")", "]", "}") and opened:
            closed = opened.pop()
            growth *= closed.parts if closed else 1
        elif token.text == "+" or (token.text == "," and _separates_items(opened)):
            additions += token.text == "+"
            listed += token.text == ","
            if inner:
                inner[-1].parts += 1
    exponent = deepest + max(0, maps - 1)
    return Shape(len(tokens), exponent, growth, additions, listed + 1, frozenset(bound))


def _is_comprehension(tokens: list[Token], at: int) -> bool:
    """Whether the bracket at this place opens `.map(` or one of its like."""
    before = [token.text for token in tokens[max(0, at - 2) : at]]
    return len(before) == 2 and before[0] == "." and before[1] in COMPREHENSIONS


def _separates_items(opened: list[_Comprehension | None]) -> bool:
    """Whether a comma stands between items, and not between the parts of a comprehension."""
    return bool(opened) and opened[-1] is None


def size_of(value: Any) -> Size:
    """How large the parts of a value are; what is neither mapping, list nor text has no size."""
    items = characters = 0
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            characters = max(characters, len(part))
        elif isinstance(part, Mapping):
            items = max(items, len(part))
            waiting += part.values()
        elif isinstance(part, list | tuple):
            items = max(items, len(part))
            waiting += part
    return Size(items, characters)


def is_affordable(shape: Shape, size: Size) -> bool:
    """Whether an evaluation stays within its budget, however it goes."""
    rounds: int = max(shape.listed, size.items) ** shape.exponent * shape.growth
    copied = max(1, size.characters) * rounds * (shape.additions + 1) ** 2
    return rounds * max(1, shape.tokens) <= MOST_STEPS and copied <= MOST_BYTES
