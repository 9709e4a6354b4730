"""What a command sends of a working copy: read as a source, and what lacks is known."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.engine.folders import GuardedFolder
from shoal.engine.sent_files import MOST_BYTES, SentFile, SentFiles, SentTree, pack
from shoal.errors import BudgetExceeded, InvalidSource, UnsafePath
from shoal.model.artifacts import EntryKind, Tree
from shoal.model.trees import MemoryTree

COPY = MemoryTree(
    {"apps/web/a.yaml": "a: 1\n", "apps/web/more/b.yaml": "b: 1\n", "base/c.yaml": "c: 1\n"},
    links={"apps/web/link.yaml": "../../base/c.yaml"},
    others=["apps/web/module"],
)


async def sent(*paths: str, copy: Tree = COPY) -> SentTree:
    """As it arrives: through the text that goes over the wire."""
    packed = await pack(copy, paths)
    return SentTree(msgspec.json.decode(msgspec.json.encode(packed), type=SentFiles))


async def test_a_folder_is_sent_with_all_that_is_below() -> None:
    tree = await sent("apps/web")

    listed = [(each.name, each.kind, each.size) for each in await tree.list("apps/web")]
    assert listed == [
        ("a.yaml", EntryKind.FILE, 5),
        ("link.yaml", EntryKind.LINK, 0),
        ("module", EntryKind.OTHER, 0),
        ("more", EntryKind.FOLDER, 0),
    ]
    assert await tree.read("apps/web/more/b.yaml") == b"b: 1\n"
    assert await tree.read("apps/web/link.yaml") == b"../../base/c.yaml"
    assert tree.needed == []


async def test_what_is_known_not_to_be_there_is_not_missing() -> None:
    tree = await sent("apps/web", "nothing")

    for path in ("apps/web/x", "apps/web/more/x/y", "apps/web/a.yaml/x", "nothing", "nothing/x"):
        assert await tree.entry(path) is None
    assert tree.needed == []


async def test_a_look_beside_what_was_sent_is_noted() -> None:
    tree = await sent("apps/web")

    assert await tree.entry("base") is None
    assert [each.name for each in await tree.list("apps")] == ["web"]
    assert tree.needed == ["base"]


async def test_a_listing_that_is_not_whole_is_noted() -> None:
    tree = await sent("apps/web")

    assert [each.name for each in await tree.list("apps")] == ["web"]
    assert tree.needed == ["apps"]


async def test_a_link_is_asked_for_step_by_step() -> None:
    tree = await sent("apps/web")

    with pytest.raises(FileNotFoundError):
        await GuardedFolder(tree, "apps/web").read("link.yaml")
    assert tree.needed == ["base"]
    again = await sent("apps/web", *tree.needed)
    assert await GuardedFolder(again, "apps/web").read("link.yaml") == b"c: 1\n"


async def test_the_guard_of_sources_holds_here_too() -> None:
    copy = MemoryTree({"web/a": ""}, links={"web/out": "../../etc"})

    with pytest.raises(UnsafePath):
        await GuardedFolder(await sent("web", copy=copy), "web").read("out")


async def test_the_whole_copy_can_be_sent() -> None:
    tree = await sent("")

    assert [each.name for each in await tree.list("")] == ["apps", "base"]
    assert await tree.entry("other") is None
    assert tree.needed == []


async def test_what_is_in_a_folder_that_is_sent_is_sent_once() -> None:
    packed = await pack(COPY, ["apps/web/more", "apps/web", "apps/web/a.yaml"])

    assert (packed.whole, len({each.path for each in packed.files})) == (
        ["apps/web"],
        len(packed.files),
    )


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "a/./b", "a/..", "", "a\0"])
def test_a_path_that_is_none_of_a_source_is_refused(path: str) -> None:
    with pytest.raises(InvalidSource):
        SentTree(SentFiles([SentFile(path, EntryKind.FILE)], []))


@pytest.mark.parametrize("other", [EntryKind.FILE, EntryKind.LINK])
def test_a_path_that_is_sent_as_two_things_is_refused(other: EntryKind) -> None:
    with pytest.raises(InvalidSource):
        SentTree(SentFiles([SentFile("a/b", EntryKind.FILE), SentFile("a", other)], []))
    with pytest.raises(InvalidSource):
        SentTree(SentFiles([SentFile("a", other), SentFile("a/b", EntryKind.FILE)], []))
    with pytest.raises(InvalidSource):
        SentTree(SentFiles([SentFile("a", other), SentFile("a", EntryKind.FILE)], []))


async def test_more_than_a_controller_takes_is_not_sent() -> None:
    copy = MemoryTree({"web/big": b"x" * (MOST_BYTES + 1)})

    with pytest.raises(BudgetExceeded, match="web is more than 16 MiB") as error:
        await pack(copy, ["web"])
    assert "--rev" in error.value.next_step


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@given(
    st.dictionaries(PATHS, st.binary(max_size=3), max_size=6), st.lists(PATHS, max_size=3), PATHS
)
async def test_a_sent_tree_shows_what_is_there_or_says_that_it_does_not_know(
    files: dict[str, bytes], wanted: list[str], looked_at: str
) -> None:
    kept = {
        path: content
        for path, content in files.items()
        if not any(other.startswith(f"{path}/") for other in files)
    }
    copy = MemoryTree(kept)

    tree = await sent(*wanted, copy=copy)

    shown, real = await tree.entry(looked_at), await copy.entry(looked_at)
    if looked_at not in tree.needed:
        assert (shown and (shown.name, shown.kind)) == (real and (real.name, real.kind))
