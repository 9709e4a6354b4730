"""The pages of the documentation as blocks: what a reader types, and the files that are shown.

A fence opens at the first column, as ```` ```LANGUAGE ```` or ```` ```LANGUAGE title="FILE" ````. A
comment `<!-- not run: REASON -->` on the line before says why nobody can carry it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

from shoal.composition.allowing import read_named
from shoal.composition.loading import Plugins, installed_plugins, load_plugins

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_EXAMPLE = EntryPoint("example", "shoal_example", "shoal")

_FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+?) -->\n)?"
    r"```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_COMMAND = re.compile(r"^\$ (?P<words>(?:.*\\\n)*.*)\n(?P<printed>(?:(?!\$ ).*\n)*)", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s{2,})# .*$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page; `not_run` is the reason why it cannot be carried out."""

    page: Path
    line: int
    language: str
    title: str
    text: str
    not_run: str

    @property
    def place(self) -> str:
        """Where it stands, as an editor takes it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a console block, and what the page says that it prints."""

    line: int
    words: str
    printed: str


def blocks_of(page: Path) -> Sequence[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text()
    return [
        Block(
            page,
            text.count("\n", 0, found.start("language")) + 1,
            found["language"],
            found["title"] or "",
            found["text"],
            found["reason"] or "",
        )
        for found in _FENCE.finditer(text)
    ]


def commands_of(block: Block) -> Iterator[Command]:
    """The commands of a console block; a comment at the end of a line is the reader's."""
    for found in _COMMAND.finditer(block.text):
        line = block.line + 1 + block.text.count("\n", 0, found.start())
        yield Command(line, _COMMENT.sub("", found["words"]).rstrip(), found["printed"])


def looks_like(shown: str, printed: str) -> bool:
    """Whether this was printed, as far as the page says: `…` is anything within a line.

    A line that is nothing but `…` is any number of lines. How wide the columns of a table are
    depends on times and names, so any run of spaces is like any other.
    """
    pattern = ""
    for line in shown.splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
            continue
        parts = (re.escape(word).replace("…", ".*?") for word in line.split())
        pattern += r"[ ]*" + r"[ ]+".join(parts) + r"[ ]*\n"
    return re.fullmatch(pattern, printed) is not None


def plugins_of_pages() -> Plugins:
    """Ours, and the one that a page shows, as if it were installed and named."""
    points = [*installed_plugins(), _EXAMPLE]
    return load_plugins(named=[read_named(_EXAMPLE.module)], points=points)
