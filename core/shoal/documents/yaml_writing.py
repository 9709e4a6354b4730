"""YAML written so that every reader reads what was meant.

YAML has several readers, and they differ in what an unquoted word is: PyYAML takes `08`, `1e3` and
`y` for text, the reader of Kubernetes (and ours) for numbers and a boolean. So only what is a word
for all of them is written bare; everything else is quoted, and text of several lines stands as a
block where that is exact. Pure; for documents that are changed and objects that are printed.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

_BARE = re.compile(r"[A-Za-z/_][A-Za-z0-9/_.-]*(?:[:=@][A-Za-z0-9/_.-]+)*(?: [A-Za-z0-9/_.-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_WIDE = 1 << 20  # no line is folded


def dumped(value: Any, *, allow_unicode: bool = True) -> str:
    """A value as YAML, lists and mappings in block style, without anchors."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=_WIDE
    )
    return text


def scalar(text: str) -> str:
    """Text as it can stand in any place of a document, bare where that is read as text."""
    return text if _is_bare(text) else json.dumps(text)


def _is_bare(text: str) -> bool:
    return _BARE.fullmatch(text) is not None and text.lower() not in _WORDS


class _Dumper(yaml.SafeDumper):
    """Writes text as described above."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"'
    if _is_bare(text):
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
