"""A newcomer who follows the reading order finds each module where it is said to be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "development" / "architecture.md"
ORDER = PAGE.read_text().partition("## Reading order\n")[2].partition("\n## ")[0]
STEPS = re.split(r"^\d+\. ", ORDER, flags=re.MULTILINE)[1:]
_PLACE = re.compile(r"`((?:core|clusters|plugins)/[\w/.-]+)`")
_NAME = re.compile(r"`([a-z_]+(?:/[a-z_]*)?)`")


def places(step: str) -> list[Path]:
    """The folders that a step is about; of a file, the folder it is in."""
    named = [ROOT / place for place in _PLACE.findall(step)]
    return [place if place.is_dir() else place.parent for place in named]


def is_there(name: str, folders: list[Path]) -> bool:
    """A module of one of the folders, or of the core where it is named with its package."""
    roots = [*folders, ROOT / "core" / "shoal"] if "/" in name else folders
    return any((root / f"{name}.py").is_file() or (root / name).is_dir() for root in roots)


def test_the_page_has_a_reading_order() -> None:
    assert len(STEPS) > 1


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.split("`")[1])
def test_each_module_of_a_step_is_in_its_folder(step: str) -> None:
    folders = places(step)
    gone = [place for place in _PLACE.findall(step) if not (ROOT / place).exists()]
    names = _NAME.findall(step)

    assert folders
    assert gone == []
    assert [name for name in names if not is_there(name, folders)] == []
