from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from tests.docs.pages import ROOT

SITE = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]


def places(entries: Any) -> Iterator[str]:
    """The pages of the navigation, at any depth."""
    if isinstance(entries, str):
        yield entries
    else:
        for each in entries.values() if isinstance(entries, dict) else entries:
            yield from places(each)


def test_every_page_has_one_place_in_the_navigation() -> None:
    docs = ROOT / "docs"
    pages = {str(page.relative_to(docs)) for page in docs.rglob("*.md")}
    decisions = {
        f"adr/{page.name}" for page in (docs / "adr").glob("0*.md")
    }  # listed by their index

    assert sorted(places(SITE["nav"])) == sorted(pages - decisions), "see nav in zensical.toml"


def test_the_site_fetches_nothing_from_elsewhere() -> None:
    """A font would; and `offline` brings a script. `make docs` looks at what was built."""
    assert SITE["theme"]["font"] is False
    assert "plugins" not in SITE
