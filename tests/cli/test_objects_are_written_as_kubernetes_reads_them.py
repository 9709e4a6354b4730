"""The YAML stream of `shoal render` means the same to every reader of YAML."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from shoal.cli.yaml_stream import stream
from shoal.model.yaml import read_yaml

ODD = st.text("0178abeEnoxXyO.:+_-~#&*!|>%@`'\"{}[],?= \n\t", max_size=8)
TEXT = st.text(max_size=12) | ODD
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def written(*bodies: dict[str, Any]) -> str:
    return "".join(stream(bodies))


@given(st.dictionaries(TEXT, VALUES, max_size=4))
@example_settings(max_examples=150)
def test_what_is_written_is_read_back_by_both_kinds_of_reader(body: dict[str, Any]) -> None:
    text = written(body, body)

    assert [repr(each.value) for each in read_yaml(text.encode())] == [repr(body)] * 2
    assert [repr(each) for each in yaml.safe_load_all(text)] == [repr(body)] * 2


@pytest.mark.parametrize(
    "text",
    ["08", "1e3", "0o14", "0x1f", "1_000", "12:30", "y", "No", "on", "~", "null", ".5", "-", "=",
     "2026-01-02", "nginx: 1", "a #b", "true", "<<", "@a", "`a`", "", " a", "a ", "%a", "- a", "é"],
)  # fmt: skip
def test_what_one_reader_could_take_for_something_else_is_quoted(text: str) -> None:
    assert written({"a": text}) == f'---\na: "{text}"\n'
    assert written({text: "a"}) in (f'---\n"{text}": a\n', f'---\n? "{text}"\n: a\n')


@pytest.mark.parametrize("text", ["nginx", "nginx:1.27", "/var/run", "a b", "apps/v1", "f3"])
def test_words_stand_bare(text: str) -> None:
    assert written({"a": text}) == f"---\na: {text}\n"


def test_text_of_several_lines_stands_as_a_block() -> None:
    assert written({"a": "one:\n  two\n"}) == "---\na: |\n  one:\n    two\n"


def test_what_would_steer_a_terminal_is_escaped() -> None:
    text = written({"a": "\x1b]0;owned\x07", "b": "x\u202ey", "é": "\u2028"})

    assert not set(text) & set("\x1b\x07\u202e\u2028")
    assert yaml.safe_load(text) == {"a": "\x1b]0;owned\x07", "b": "x\u202ey", "é": "\u2028"}
