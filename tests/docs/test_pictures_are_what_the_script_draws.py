from __future__ import annotations

import re

import pytest
from docs.pictures.concepts import DRAWINGS, FOLDER
from tests.docs.pages import ROOT


@pytest.mark.parametrize("name", sorted(DRAWINGS))
def test_a_picture_of_a_concept_is_what_the_script_draws(name: str) -> None:
    drawn = DRAWINGS[name]().svg()

    assert (FOLDER / f"{name}.svg").read_text() == drawn, "run python docs/pictures/concepts.py"


@pytest.mark.parametrize("name", sorted(DRAWINGS))
def test_each_concept_has_its_page_and_shows_its_picture(name: str) -> None:
    page = (ROOT / "docs" / "concepts" / f"{name}.md").read_text()

    assert re.search(rf"!\[.+\]\(\.\./pictures/concepts/{name}\.svg\)", page)


def test_no_picture_is_left_over() -> None:
    assert {file.stem for file in FOLDER.glob("*.svg")} == set(DRAWINGS)


@pytest.mark.parametrize("file", sorted((ROOT / "docs").rglob("*.svg")), ids=lambda file: file.name)
def test_a_picture_fetches_nothing(file) -> None:
    """It is shown from a disk, and behind a firewall; what links say is not fetched."""
    text = re.sub(r"xmlns(:\w+)?=\"[^\"]*\"|<!--.*?-->", "", file.read_text(), flags=re.S)

    assert "http://" not in text
    assert "https://" not in text
