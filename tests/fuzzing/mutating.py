"""Makes odd texts of good ones, as a hostile or broken sender might; always as the seed says."""

from __future__ import annotations

import random
from collections.abc import Sequence

MOST_BYTES = 200_000
_TOKENS = tuple(
    text.encode("utf-8", "surrogatepass")
    for text in (
        *("null", "true", "NaN", "Infinity", "-0", "1e999", "-1e999", "0x7f", "1e-400", "-1"),
        *("9" * 30, "9" * 5000, "18446744073709551616", "2147483648", "1.5", "0" * 400),
        *("{}", "[]", '""', "[" * 3000, "]" * 50, '{"a":' * 3000, "(" * 2000, "-" * 400),
        *("\0", "\x1b[2J", "\r\n", "\n", "\t", "\u202e", "\ufeff", "\ud800", "é" * 200, "%00", "%"),
        *(
            "../",
            "/",
            "//",
            "..",
            ".",
            "~",
            "$HOME",
            "${x}",
            "`",
            "'",
            '"',
            "\\",
            "&",
            "*",
            "<<: *a",
        ),
        *(
            "&a [*a]",
            "!!binary x",
            "!!python/object:os.system x",
            "---\n",
            "...\n",
            "? ",
            "- " * 200,
        ),
        *(
            "ext::sh -c x",
            "--upload-pack=x",
            "file:///etc/passwd",
            "http://[::1",
            "@",
            ":",
            "ssh://",
        ),
        *("1h", "1s1s", "-5m", "99999999999h", "1d", "* * * * *", "1Ki", "1e3Mi", "0.1m", "٣"),
        *("2024-13-99T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-24:00", "\x85"),
    )
)


class Mutator:
    """Makes texts out of these seeds."""

    def __init__(self, chance: random.Random, seeds: Sequence[bytes]) -> None:
        self._chance = chance
        self._seeds = seeds

    def text(self) -> bytes:
        """One odd text; now and then one that has nothing to do with the seeds."""
        chance = self._chance
        if chance.random() < 0.03:
            return chance.randbytes(chance.randrange(200))
        text = chance.choice(self._seeds)
        for _ in range(1 + int(chance.expovariate(0.5))):
            text = self._changed(text)[:MOST_BYTES]
        return text

    def _changed(self, text: bytes) -> bytes:
        chance = self._chance
        at, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        match chance.randrange(8):
            case 0:  # one byte is another one
                return text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]
            case 1:  # a piece is missing
                return text[:at] + text[end:]
            case 2:  # a piece comes again, and again
                return text[:end] + text[at:end] * chance.choice((1, 2, 50)) + text[end:]
            case 3:  # it ends in the middle
                return text[:at]
            case 4:  # the end of another one
                return text[:at] + chance.choice(self._seeds)[end:]
            case 5:  # a value is another one
                return self._with_another_value(text)
            case _:  # something odd stands in it
                return text[:at] + chance.choice(_TOKENS) + text[at:]

    def _with_another_value(self, text: bytes) -> bytes:
        """As most parsers meet it: the syntax is right, and the type or size is not."""
        chance = self._chance
        for mark in chance.sample((b": ", b":", b"=", b",", b" "), 5):
            places = [index for index in range(len(text)) if text.startswith(mark, index)]
            if places:
                at = chance.choice(places) + len(mark)
                ends = [i for i in (text.find(c, at) for c in (b",", b"\n", b"}", b"]")) if i >= 0]
                end = min(ends, default=len(text))
                return text[:at] + chance.choice(_TOKENS) + text[end:]
        return text
