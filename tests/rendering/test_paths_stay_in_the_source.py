"""The guard: whatever a path or a link says, what is read is a file of the source."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shoal.engine.folders import Budget, GuardedFolder
from shoal.errors import BudgetExceeded, ShoalError, UnsafePath
from shoal.model.artifacts import EntryKind
from shoal.model.trees import MemoryTree

FILES = {"apps/web/a.yaml": "a", "apps/web2/b.yaml": "b", "base/c.yaml": "c"}


def web(**made) -> GuardedFolder:
    return GuardedFolder(MemoryTree(FILES, **made), "apps/web")


@pytest.mark.parametrize(
    ("path", "content"),
    [("a.yaml", b"a"), ("./a.yaml", b"a"), ("../web2/b.yaml", b"b"), ("../../base//c.yaml", b"c")],
)
async def test_the_folder_may_be_left_but_not_the_source(path, content):
    assert await web().read(path) == content


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../../../etc/passwd", r"path \.\./\.\./\.\./etc/passwd leads out of the source"),
        ("/etc/passwd", "is absolute"),
        ("a.yaml\0.txt", "holds a NUL"),
    ],
)
async def test_a_path_out_of_the_source_is_refused(path, reason):
    with pytest.raises(UnsafePath, match=reason):
        await web().read(path)
    with pytest.raises(UnsafePath, match=reason):
        await web().list(path)


async def test_an_application_folder_outside_is_refused():
    with pytest.raises(UnsafePath, match="leads out of the source"):
        await GuardedFolder(MemoryTree(FILES), "../apps").list("")


async def test_links_inside_are_followed():
    folder = web(links={"apps/web/c.yaml": "../../base/c.yaml", "apps/web/more": "../web2"})

    assert await folder.read("c.yaml") == b"c"
    assert await folder.read("more/b.yaml") == b"b"
    assert await folder.read("more/../web/a.yaml") == b"a"  # `..` of where the link leads
    assert [(each.name, each.kind) for each in await folder.list("")] == [
        ("a.yaml", EntryKind.FILE),
        ("c.yaml", EntryKind.FILE),
        ("more", EntryKind.FOLDER),
    ]


@pytest.mark.parametrize("target", ["../../../secret", "/etc/passwd", "x/../../../../secret"])
async def test_a_link_outside_is_refused_with_its_target(target):
    folder = web(links={"apps/web/evil.yaml": target, "apps/web/x": "."})

    with pytest.raises(UnsafePath) as refused:
        await folder.read("evil.yaml")

    assert "link apps/web/evil.yaml" in str(refused.value) or "'.'" in str(refused.value)
    names = {each.name: each.kind for each in await folder.list("")}
    assert names["evil.yaml"] is EntryKind.LINK  # who does not read it is not disturbed


@pytest.mark.parametrize("links", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b/c", "b": "."}])
async def test_links_in_circles_end(links):
    with pytest.raises((UnsafePath, FileNotFoundError)):
        await GuardedFolder(MemoryTree(FILES, links=links), "").read("a")


async def test_a_submodule_is_refused():
    folder = web(others=["apps/web/module"])

    with pytest.raises(UnsafePath, match="apps/web/module is neither a file nor a folder"):
        await folder.list("module")


@pytest.mark.parametrize("path", ["none", "none/a.yaml", "a.yaml/", "a.yaml/..", "none/../a.yaml"])
async def test_what_is_not_there_is_not_found(path):
    with pytest.raises(FileNotFoundError):
        await web().read(path)


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(file_bytes=0), "file a.yaml is larger than 0 MiB"),
        (Budget(total_bytes=0), "more than 0 MiB are read"),
        (Budget(files=0), "more than 0 files are read"),
        (Budget(depth=2), "a.yaml is deeper than 2 folders"),
    ],
)
async def test_reading_has_a_budget(budget, reason):
    with pytest.raises(BudgetExceeded, match=reason):
        await GuardedFolder(MemoryTree(FILES), "apps/web", budget).read("a.yaml")


async def test_listing_has_a_budget():
    with pytest.raises(BudgetExceeded, match="more than 0 names are listed"):
        await GuardedFolder(MemoryTree(FILES), "apps/web", Budget(entries=0)).list("")


PART = st.sampled_from(
    ["..", ".", "", "a", "web", "web2", "apps", "base", "l", "m", "a.yaml", "\0"]
)
PATH = st.lists(PART, max_size=12).map("/".join)


@given(path=PATH, root=PATH, link=PATH, other=PATH)
@example(path="l/../../..", root="apps/web", link="m", other="..")
async def test_any_path_and_links_stay_under_the_root(path, root, link, other):
    links = {"apps/web/l": link, "apps/m": other, "m": link}
    tree = _Watched(FILES, links=links)
    folder = GuardedFolder(tree, root)

    for look in (folder.read, folder.list):
        try:
            await look(path)
        except (ShoalError, FileNotFoundError):
            continue

    for seen in tree.seen:
        assert seen == "" or seen == posixpath.normpath(seen)
        assert not seen.startswith(("/", ".."))
        assert "\0" not in seen


class _Watched(MemoryTree):
    """Notes every path that it is asked for."""

    def __init__(self, files, **made):
        super().__init__(files, **made)
        self.seen = []

    async def entry(self, path):
        self.seen.append(path)
        return await super().entry(path)

    async def read(self, path):
        self.seen.append(path)
        return await super().read(path)

    async def list(self, path):
        self.seen.append(path)
        return await super().list(path)
