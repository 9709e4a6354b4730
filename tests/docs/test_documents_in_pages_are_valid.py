from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.pages import PAGES, ROOT, blocks_of, plugins_of_pages

from shoal.documents import load

FLEET = b"apiVersion: shoal.dev/v1alpha1\nkind: Fleet\nmetadata: {name: acme}\n"


def documents_of(page: Path) -> list[str]:
    blocks = blocks_of(page)
    return [each.text for each in blocks if each.language == "yaml" and not each.not_run]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_document_that_a_page_shows_can_be_used_as_it_is(page: Path) -> None:
    blocks = [each for each in documents_of(page) if not is_configuration(each)]
    files = {f"{page.name}-{number}.yaml": block.encode() for number, block in enumerate(blocks)}

    has_fleet = any(b"kind: Fleet" in text for text in files.values())

    seams = plugins_of_pages().seams
    loaded = load(files if has_fleet else {"fleet.yaml": FLEET, **files}, seams)

    assert [str(problem) for problem in loaded.problems] == []
    assert len(loaded.documents) >= len(blocks) + (not has_fleet)


def is_configuration(block: str) -> bool:
    """Of a controller, and not of a fleet; the page on configuration has a test of its own."""
    return "kind: Configuration" in block


def test_the_readme_shows_documents() -> None:
    assert len(documents_of(ROOT / "README.md")) >= 1
