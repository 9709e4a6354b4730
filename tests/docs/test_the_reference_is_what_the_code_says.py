from __future__ import annotations

import pytest
from docs.reference.generate import FOLDER, HEAD, pages

PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_what_the_generator_writes(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name], "run python docs/reference/generate.py"


def test_no_page_is_left_over() -> None:
    generated = {page.name for page in FOLDER.glob("*.md") if page.read_text().startswith(HEAD)}
    schemas = {f"schema/{file.name}" for file in (FOLDER / "schema").iterdir()}

    assert generated | schemas == {name for name in PAGES if not name.startswith("..")}
