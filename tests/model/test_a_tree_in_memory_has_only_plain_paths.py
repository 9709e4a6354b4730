"""A tree in memory refuses what cannot stand in a tree; its files may come from an archive."""

from __future__ import annotations

import pytest

from shoal.errors import InvalidSource
from shoal.model.artifacts import EntryKind
from shoal.model.trees import MemoryTree


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../web.yaml", "a//b", "a/./b", "a/..", "x\0y"]
)
def test_a_path_that_is_not_relative_and_plain_is_refused(path: str) -> None:
    with pytest.raises(InvalidSource, match="is not the path of a file"):
        MemoryTree({path: "x"})


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a")])
def test_a_path_that_is_a_file_and_a_folder_is_refused(paths: tuple[str, str]) -> None:
    with pytest.raises(InvalidSource, match="stands there twice"):
        MemoryTree(dict.fromkeys(paths, "x"))


async def test_folders_come_by_themselves_and_are_equal_when_their_content_is() -> None:
    one = MemoryTree({"a/b/c.yaml": "x", "d": "y"})
    other = MemoryTree({"d": "y", "a/b/c.yaml": "x"})
    third = MemoryTree({"a/b/c.yaml": "z", "d": "y"})

    assert one.digest == other.digest != third.digest
    assert [(each.name, each.kind) for each in await one.list("")] == [
        ("a", EntryKind.FOLDER),
        ("d", EntryKind.FILE),
    ]
    assert await one.entry("a/b") == await other.entry("a/b") != await third.entry("a/b")
    with pytest.raises(FileNotFoundError):
        await one.list("nowhere")
