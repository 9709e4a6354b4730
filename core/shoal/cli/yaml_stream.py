"""Objects as a YAML stream that `kubectl apply -f -` reads as exactly these objects.

YAML has several readers, and they differ in what an unquoted word is: PyYAML takes `08` and `1e3`
for text, the reader of Kubernetes for numbers. So only what is a word for all of them is written
bare; everything else is quoted, and text of several lines stands as a block where that is exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from shoal.cli.phrasing import clean

_BARE = re.compile(r"[A-Za-z/_][A-Za-z0-9/_.-]*(?:[:=@][A-Za-z0-9/_.-]+)*(?: [A-Za-z0-9/_.-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_WIDE = 1 << 20  # no line is folded


def stream(bodies: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Each object as a document that begins with `---`."""
    for body in bodies:
        text = _dumped(body, allow_unicode=True)
        if clean(text, keep_lines=True) != text:  # it would steer a terminal: escaped then
            text = _dumped(body, allow_unicode=False)
        yield f"---\n{text}"


def _dumped(body: Mapping[str, Any], *, allow_unicode: bool) -> str:
    text: str = yaml.dump(
        body, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=_WIDE
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Writes text as described above; lists and mappings in block style, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"'
    if _BARE.fullmatch(text) and text.lower() not in _WORDS:
        style = ""
    elif _fits_a_block(text):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _fits_a_block(text: str) -> bool:
    """Nothing in it that indentation, chomping or a reader's idea of a line end could eat."""
    lines = text.split("\n")
    is_plain = all(line == line.rstrip() and line.isprintable() for line in lines)
    return len(lines) > 1 and is_plain and bool(lines[0]) and not lines[0].startswith(" ")


_Dumper.add_representer(str, _written)
