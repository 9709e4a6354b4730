"""Writes odd YAML: every style and spelling that people use, and some that nobody does.

One generator with two drivers: hypothesis (in the suite, where a failing text is made small) and a
plain random one (`make fuzz`, a thousand texts a second). Most texts are valid; what is not must be
refused by both readers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SIGNS = ("", "-", "+")
WORDS = _words(
    "y Y yes Yes YES yEs n N no No NO nO on On ON oN off Off OFF true True TRUE tRue false False "
    "FALSE t f null Null NULL nUll ~ none nil undefined NaN nan infinity inf .nan .NaN .NAN .inf "
    ".Inf .INF +.inf -.inf -.Inf .iNf x foo foo-bar foo_bar a.b.c /path ./here ../there @at `tick "
    "%percent !bang &amp *star | > - -- --- ... . .. : ; , [ ] { } ( ) # #x a#b a:b a: :a - -a ?a "
    "? = == << <<< ' \" '' \"\" 'a' \"b\" a'b a\"b it's \\ \\n $x ${y} {{z}} a=b a&b a*b a!b a|b "
    "a>b a%b a@b a`b a?b a,b a[b a]b a{b a}b -1a 1a 0a é ü 日本 😀"
)
INTEGERS = tuple(
    sign + digits
    for sign in _SIGNS
    for digits in _words(
        "0 1 7 9 10 00 01 07 08 09 010 0644 0755 0o17 0O17 0o8 0x1F 0X1f 0xg 0b101 0B11 0b2 1_000 "
        "1__0 1_ _1 0_7 0x_1 0x1_f 0b_1 0o_7 9007199254740993 2147483648 9223372036854775807 "
        "9223372036854775808 18446744073709551615 18446744073709551616 99999999999999999999999 "
        "0xffffffffffffffff 0x10000000000000000 01777777777777777777777 0b"
    )
)
FLOATS = tuple(
    sign + digits
    for sign in _SIGNS
    for digits in _words(
        "0.0 1.0 1. .5 0.5 00.5 01.5 1.5e3 1e3 1E3 1e+3 1e-3 1e 1e+ e1 .e1 1.e1 .1e2 1.1.1 1e400 "
        "1e-400 .1e400 1_0.5 1.5_0 ._5 .5_0 .5_ 1e1_0 1e21 1e20 1.0e20 123456789.123456789 0.1 "
        "0.30000000000000004 5e-324 1.7976931348623157e308 3.4e38 1e-7 1e-6 0x1p4 0x1.8p1 1.5f"
    )
)
DATES = (
    *_words(
        "2024-01-01 2024-1-1 2024-02-30 20240101 24-01-01 2024-01-01T00:00:00Z "
        "2024-01-01t00:00:00z 2024-01-01T00:00:00.123+01:00 2024-01-01T1:2:3Z 2024-01 1:30 "
        "12:30:45 190:20:30 -1:30 1:30.5 12:60 0:0"
    ),
    *("2024-01-01 00:00:00", "2024-01-01 00:00:00 +1", "2024-01-01  00:00:00", "1 000", "- 1"),
)
TAGGED = tuple(
    f"{tag} {value}".rstrip()
    for tag in _words(
        "!!str !!int !!float !!bool !!null !!binary !!timestamp !!map !!seq !!set !!merge ! !own "
        "!<tag:yaml.org,2002:str> !<tag:yaml.org,2002:int> !<x>"
    )
    for value in (
        *("", "5", "-5", "1.0", "1.5", "yes", "x", "~", '""', '"5"', "'yes'", "2024-01-01"),
        *("0x10", "aGVsbG8=", "gA==", "aGVs bG8=", "1e3", "18446744073709551615", "null", ".inf"),
    )
)
QUOTED = (
    *("'a'", "''", "'it''s'", "'a b'", "'1'", "'yes'", "'a\\nb'", "'# x'", "'a: b'", "' x '"),
    *('"a"', '""', '"a b"', '"1"', '"null"', '"a\\nb"', '"\\t"', '"\\\\"', '"\\""', '"\\/"'),
    *('"\\x41"', '"\\u00e9"', '"\\U0001F600"', '"\\0"', '"\\a\\b\\e\\f\\v"', '"\\N\\_\\L\\P"'),
    *('"\\ud83d\\ude00"', '"\\q"', '"\\x4"', '"\\ "', '"\t"', "'\t'", '"# x"', '" x "', "'é日'"),
    *('"\u0085"', '"\u2028"', '"\ufeff"', "'\ufeffx'", '"\\U00110000"', '"\\ud800"', '"\\."'),
)
PLAIN = (
    *("a b", "a  b", "a\tb", "a #b", "a\t#b", "a# b", "a :b", "a\u00a0b", "a\u0085b", "a\u2028b"),
    *("http://x:80/y", "x:y:z", "a, b", "a [b]", "a {b}", "-", "- a", "? a", "a -", "a ?", "!"),
    *(
        "\ufeffa",
        "a\ufeff",
        "a\u200bb",
        "--",
        "---a",
        "...a",
        "-.",
        "+",
        "-+1",
        "0 1",
        "* a",
        "& a",
    ),
    *("@", "`", "%a", "a%", "<", ">", ">a", "|a", "a|", "^", "~a", "~ a", "\u00a0", "a\\", "<<a"),
)
SCALARS = (*WORDS, *INTEGERS, *FLOATS, *DATES, *TAGGED, *QUOTED, *PLAIN)
"""What may stand where a value stands; all are tried one by one in the suite."""

_KEYS = (*"abcdef", "a", "b", "key", "a b", "1", "0x10", "yes", "1.5", '"q"', "'s'", "<<", "~")
_ODD_KEYS = (*WORDS, *QUOTED, *FLOATS, *DATES, *TAGGED, *PLAIN)
_BLOCK_HEADERS = ("|", ">", "|-", ">-", "|+", ">+", "|2", ">1", "|2-", ">+1", "|0", "|- # c", "|x")
_LINES = ("text", "  more", "", "\ttab", "a: b", "- c", "# d", "trailing ", "é", "'q'", " ", "---x")
_COMMENTS = ("", "", "", "", "", " # c", "  # c: d", "\t# t", " #", "#x", " ", "\t")
_BETWEEN = ("", "", "", "", "", "\n", "# c\n", "  # c\n", "\t\n", "  \n", "        # far\n")
_STARTS = ("", "", "", "---\n", "---\n", "--- # c\n", "---  \n", "---\t\n", "# c\n---\n")
_DIRECTIVES = ("%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "%TAG ! tag:a,2000:\n---\n", "%X y\n---\n")
_ENDS = ("", "", "", "...\n", "...\n---\n", "---\n", "... # c\n", "\n\n", "# end\n", "# end")
_HEAD = "apiVersion: example.com/v1\nkind: Odd\nmetadata: {name: odd}\nspec:\n"
_MERGED = ("*a", "*b", "[*a, *b]", "&b {*a : 1}", "{m: 1, a: 2}", "[{m: 1}, {m: 2}]", "1")
_NESTED = ("&a [&a x, *a]", "&a {k: &a v, l: *a}", "&b [*a, &a []]", "&a [*a]")
_PROPERTIES = ("&a ", "&b ", "&a !!map ", "!!seq ", "!!str ", "!own ", "! ", "&a &b ", "!!set ")


class Choose(Protocol):
    """How the generator makes up its mind."""

    def __call__(self, options: Sequence[T], /) -> T:
        """One of the options."""
        ...


def write_stream(choose: Choose) -> str:
    """A text of one document, sometimes of several, with any ends of lines."""
    text = choose(("", "", "", "", "", "", "\ufeff"))
    for _ in range(choose((1, 1, 1, 1, 1, 2, 3))):
        text += _document(choose)
    text = text.replace("\n", choose(("\n",) * 12 + ("\r\n", "\r\n", "\r", "\u0085", "\u2028")))
    return text.rstrip("\n") if choose((False, False, False, True)) else text


def write_manifests(choose: Choose) -> str:
    """A file of one or two objects that have odd specs."""
    text = ""
    for _ in range(choose((1, 1, 2))):
        start = choose(("---\n", "---\n", "--- # c\n", "...\n---\n", "---  \n"))
        text += start + _HEAD + _mapping(choose, 2, 1) + choose(_ENDS)
    return text.replace("\n", choose(("\n",) * 8 + ("\r\n",)))


def _document(choose: Choose) -> str:
    start = choose((*_STARTS, choose(_DIRECTIVES))) if choose(range(8)) == 0 else choose(_STARTS)
    body = choose((_mapping, _mapping, _mapping, _mapping, _sequence, _top))(choose, 0, 0)
    return start + body + choose(_ENDS)


def _top(choose: Choose, indent: int, depth: int) -> str:
    return choose(("", "--- ")) + _value(choose, 0, depth).lstrip(" ")


def _mapping(choose: Choose, indent: int, depth: int) -> str:
    text = ""
    for _ in range(choose((1, 1, 2, 2, 3, 4))):
        text += choose(_BETWEEN) + " " * indent + _entry(choose, indent, depth)
    return text


def _entry(choose: Choose, indent: int, depth: int) -> str:
    style = choose(range(24))
    if style == 0:
        return f"? {_key(choose)}\n{' ' * indent}:{_value(choose, indent, depth)}"
    if style == 1:
        return f"?{_value(choose, indent, depth)}{' ' * indent}:{_value(choose, indent, depth)}"
    if style in (2, 3):
        return f"<<: {choose(_MERGED)}\n"
    colon = choose((":", ":", ":", ":", ":", ":", " :", "\t:", ":\t"))
    return f"{_key(choose)}{colon}{_value(choose, indent, depth)}"


def _key(choose: Choose) -> str:
    key = choose(_KEYS if choose(range(4)) else _ODD_KEYS)
    return choose(_PROPERTIES) + key if choose(range(24)) == 0 else key


def _sequence(choose: Choose, indent: int, depth: int) -> str:
    text = ""
    for _ in range(choose((1, 1, 2, 3))):
        text += choose(_BETWEEN) + " " * indent + "-"
        if depth < 4 and choose(range(4)) == 0:
            # A collection that begins on the line of its dash.
            below = choose((_mapping, _sequence))(choose, indent + 2, depth + 1)
            text += " " + below.lstrip(" ")
        else:
            text += _value(choose, indent, depth)
    return text


def _value(choose: Choose, indent: int, depth: int) -> str:
    """What follows a colon or a dash, to the end of its last line."""
    properties = " " + choose(_PROPERTIES).rstrip() if choose(range(10)) == 0 else ""
    styles: tuple[Callable[[Choose, int, int], str], ...] = (_inline, _inline, _inline, _text)
    if depth < 4:
        styles += (_below, _below, _flow_line, _folded)
    return properties + choose(styles)(choose, indent, depth)


def _below(choose: Choose, indent: int, depth: int) -> str:
    deeper = indent + choose((2, 2, 2, 1, 4, 0))
    collection = choose((_mapping, _mapping, _sequence))
    return choose(_COMMENTS) + "\n" + collection(choose, deeper, depth + 1)


def _inline(choose: Choose, indent: int, depth: int) -> str:
    scalar = choose((*SCALARS[::7], "x", "")) if choose(range(2)) else choose(SCALARS)
    if choose(range(12)) == 0:
        scalar = choose(("*a", "*b", "*a", "*missing", "&a x", "&b [1]", "&a {k: v}", *_NESTED))
    return choose((" ", " ", " ", "  ", "\t", "")) + scalar + choose(_COMMENTS) + "\n"


def _folded(choose: Choose, indent: int, depth: int) -> str:
    """A plain or quoted scalar over several lines."""
    quote = choose(("", "", "'", '"'))
    lines = [choose(("one", "two words", "", "# no", "a: b", "- c", "\\", "\tx", "3", "é "))]
    lines += [
        " " * (indent + choose((0, 1, 2, 4))) + choose(("x", "y z", "", "# c", "\tt"))
        for _ in range(choose((1, 1, 2, 3)))
    ]
    return " " + quote + "\n".join(lines) + quote + "\n"


def _text(choose: Choose, indent: int, depth: int) -> str:
    """A block scalar."""
    deeper = indent + choose((2, 2, 1, 3, 0))
    lines = [" " * deeper + choose(_LINES) for _ in range(choose((0, 1, 2, 3, 4)))]
    return "\n".join([" " + choose(_BLOCK_HEADERS), *lines]) + "\n"


def _flow_line(choose: Choose, indent: int, depth: int) -> str:
    return " " + _flow(choose, depth + 1) + choose(_COMMENTS) + "\n"


def _flow(choose: Choose, depth: int) -> str:
    if depth > 4 or choose(range(2)):
        return (
            choose((*SCALARS[::11], "a", "1", "*a", "&b c", ""))
            if choose(range(3))
            else choose(SCALARS)
        )
    comma = choose((", ", ",", " , ", ",\n  ", ", # c\n  "))
    parts = [_flow(choose, depth + 1) for _ in range(choose((0, 1, 2, 3)))]
    end = choose(("", "", "", ",", ", ", "\n "))
    if choose(range(2)):
        return "[" + comma.join(parts) + end + "]"
    colon = choose((": ", ": ", ": ", ":", " : ", ":\n  "))
    pairs = [_key(choose) + choose((colon, colon, colon, "")) + part for part in parts]
    return "{" + comma.join(pairs) + end + "}"


_NOISE = (
    *"\t\n \r:,-?[]{}#&*!|>'\"%@`~<=01ax\\",
    "\ufeff",
    "\u0085",
    "é",
    "- ",
    ": ",
    " #",
    "<<: ",
)


def mutate(choose: Choose, text: str) -> str:
    """A text with a few characters put in, taken out, repeated or moved."""
    for _ in range(choose((1, 1, 2, 3))):
        at = choose(range(len(text) + 1))
        end = min(len(text), at + choose((1, 1, 2, 5, 20)))
        way = choose(range(4))
        if way == 0:
            text = text[:at] + choose(_NOISE) + text[at:]
        elif way == 1:
            text = text[:at] + text[end:]
        elif way == 2:
            text = text[:at] + choose(_NOISE) + text[end:]
        else:
            text = text[:at] + text[at:end] + text[at:]
    return text
