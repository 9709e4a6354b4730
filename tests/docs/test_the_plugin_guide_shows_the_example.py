"""The guide for authors of plugins shows what stands in `examples/plugin`, and all of its code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, blocks_of

PAGE = ROOT / "docs" / "how-to" / "write-a-plugin.md"
BLOCKS = [(each.title, each.text) for each in blocks_of(PAGE) if each.title]
CODE = sorted((ROOT / "examples" / "plugin").rglob("*.py"))
SOURCES = sorted((ROOT / "examples" / "plugin" / "src" / "shoal_example").glob("*.py"))


@pytest.mark.parametrize(("file", "text"), BLOCKS, ids=lambda part: part[:40])
def test_a_block_stands_in_the_file_that_it_names(file: str, text: str) -> None:
    assert text in (ROOT / file).read_text()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_line_of_a_function_or_class_is_shown(source: Path) -> None:
    shown = "".join(text for file, text in BLOCKS if (ROOT / file) == source)
    code = source.read_text()
    first = re.search(r"^(@|class |def |async def )", code, re.MULTILINE)
    assert first is not None

    assert [line for line in code[first.start() :].splitlines() if line not in shown] == []


@pytest.mark.parametrize("file", CODE, ids=lambda file: file.name)
def test_the_example_sees_only_what_is_stable(file: Path) -> None:
    seen = set(re.findall(r"^(?:from|import) shoal\.(\w+)", file.read_text(), re.MULTILINE))

    assert seen <= {"hooks", "model", "errors", "binaries", "testing"}


def test_every_hook_is_in_the_table() -> None:
    from shoal.hooks import specs

    hooks = [name for name in vars(specs) if name.startswith("shoal_")]
    page = PAGE.read_text()
    assert [name for name in hooks if f"| `{name}` |" not in page] == []
