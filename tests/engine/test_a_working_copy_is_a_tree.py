"""A folder of this machine, read as a source: nothing outside of it, and nothing that waits."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from shoal.engine.folders import GuardedFolder
from shoal.engine.working_copies import WorkingCopy, working_copy
from shoal.errors import InvalidSource, UnsafePath
from shoal.model.artifacts import EntryKind
from shoal.model.identity import Ref
from shoal.testing.hosts import run_in_thread

Make = Callable[[], WorkingCopy]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    (root / "web" / "more").mkdir(parents=True)
    (root / "web" / "a.yaml").write_text("a: 1\n")
    (root / "web" / "more" / "b.yaml").write_text("b: 1\n")
    (tmp_path / "outside.yaml").write_text("canary")
    return root


@pytest.fixture
def copy(root: Path) -> Make:
    """Makes a tree of the folder as it is."""
    return lambda: WorkingCopy(root, run_in_thread)


async def test_files_and_folders_are_listed_and_read(copy: Make) -> None:
    tree = copy()

    listed = [(each.name, each.kind, each.size) for each in await tree.list("web")]
    assert listed == [("a.yaml", EntryKind.FILE, 5), ("more", EntryKind.FOLDER, 0)]
    assert await tree.read("web/more/b.yaml") == b"b: 1\n"
    assert await tree.entry("web/nothing") is None
    assert await tree.entry("web/a.yaml/below") is None
    for path in ("web/nothing", "nothing/at/all", "web/a.yaml"):
        with pytest.raises(FileNotFoundError):
            await tree.list(path)


async def test_links_are_shown_as_links_and_never_followed(root: Path, copy: Make) -> None:
    (root / "out.yaml").symlink_to("../outside.yaml")
    (root / "folder").symlink_to("..")
    (root / "absolute").symlink_to(root.parent)

    tree = copy()

    kinds = {each.name: each.kind for each in await tree.list("")}
    assert {name for name, kind in kinds.items() if kind is EntryKind.LINK} == {
        "out.yaml",
        "folder",
        "absolute",
    }
    assert await tree.read("out.yaml") == b"../outside.yaml"
    for path in ("folder/outside.yaml", "absolute/outside.yaml"):
        assert await tree.entry(path) is None
        with pytest.raises(OSError, match=r"folder|absolute"):
            await tree.read(path)


@pytest.mark.parametrize(
    "path", ["out.yaml", "folder/outside.yaml", "absolute/outside.yaml", "../outside.yaml", "/etc"]
)
async def test_no_path_leads_out_of_the_folder(root: Path, copy: Make, path: str) -> None:
    (root / "out.yaml").symlink_to("../outside.yaml")
    (root / "folder").symlink_to("..")
    (root / "absolute").symlink_to(root.parent)

    with pytest.raises(UnsafePath):
        await GuardedFolder(copy(), ".").read(path)


async def test_links_inside_are_followed_by_the_guard(root: Path, copy: Make) -> None:
    (root / "web" / "link.yaml").symlink_to("more/b.yaml")

    assert await GuardedFolder(copy(), "web").read("link.yaml") == b"b: 1\n"


async def test_git_is_no_part_of_it_and_a_submodule_is_not_read(root: Path, copy: Make) -> None:
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("canary")
    (root / "web" / "sub").mkdir()
    (root / "web" / "sub" / ".git").write_text("gitdir: elsewhere")

    tree = copy()

    assert [each.name for each in await tree.list("")] == ["web"]
    assert await tree.entry(".git") is None
    assert await tree.entry(".git/config") is None
    with pytest.raises(UnsafePath, match="submodule"):
        await GuardedFolder(tree, "web").list("sub")


async def test_what_is_neither_file_nor_folder_is_refused_and_not_waited_for(
    root: Path, copy: Make
) -> None:
    os.mkfifo(root / "web" / "pipe.yaml")

    tree = copy()

    entry = await tree.entry("web/pipe.yaml")
    assert entry is not None
    assert entry.kind is EntryKind.OTHER
    with pytest.raises(FileNotFoundError):
        await tree.read("web/pipe.yaml")


async def test_a_change_anywhere_below_is_another_digest(root: Path, copy: Make) -> None:
    async def digest() -> str:
        entry = await copy().entry("web")
        assert entry is not None
        return entry.digest

    first, again = await digest(), await digest()
    (root / "web" / "more" / "b.yaml").write_text("b: 22\n")
    changed = await digest()
    (root / "web" / "more" / "c.yaml").write_text("")

    assert first == again
    assert len({first, changed, await digest()}) == 3


async def test_a_name_that_is_no_text_is_no_trouble(root: Path, copy: Make) -> None:
    with open(os.fsencode(root) + b"/web/\xff.yaml", "wb") as file:
        file.write(b"c: 1\n")

    tree = copy()

    assert await tree.read("web/\udcff.yaml") == b"c: 1\n"
    assert len(await tree.list("web")) == 3


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidSource, match="there is no folder"):
        await working_copy(tmp_path / "nothing", Ref("default", "web"), run_in_thread)
