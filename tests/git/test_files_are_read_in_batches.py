"""A look at a file brings those that follow it, so that reading a folder starts git once."""

from __future__ import annotations

import pytest

from shoal_plugins.git import blobs
from shoal_plugins.git.listings import Listing

NAMES = ["a/b.yaml", "a/c/d.yaml", "a/c/e.yaml", "a/f.yaml", "b/g.yaml", "c.yaml"]


@pytest.mark.parametrize("first", range(len(NAMES)))
def test_files_follow_in_the_order_of_a_walk(first):
    lines = [b"040000 tree t       -\t" + folder for folder in (b"a", b"a/c", b"b")]
    lines += [f"100644 blob {name} 1\t{name}".encode() for name in NAMES]
    listing = Listing("root", b"".join(line + b"\0" for line in lines))

    assert [entry.digest for entry in listing.following(NAMES[first])] == NAMES[first:]


async def test_a_repository_of_small_files_is_one_listing_and_one_read(
    repository, server, reader, git_calls
):
    files = {f"apps/{name}/a.yaml": name for name in "cab"}
    await repository.commit(files)
    tree = (await reader.fetch(server.url("apps"))).tree
    git_calls.clear()

    for path in sorted(files):
        assert await tree.read(path) == files[path].encode()

    assert git_calls == ["ls-tree", "cat-file"]


async def test_after_a_commit_only_changed_files_are_read(repository, server, reader, git_calls):
    await repository.commit({"a.yaml": "a", "b.yaml": "b"})
    first = await reader.fetch(server.url("apps"))
    await first.tree.read("a.yaml")
    await repository.commit({"b.yaml": "changed"})
    second = await reader.fetch(server.url("apps"), first)
    git_calls.clear()

    assert await second.tree.read("a.yaml") == b"a"
    assert git_calls == []  # its names were listed while it was fetched
    assert await second.tree.read("b.yaml") == b"changed"
    assert git_calls == ["cat-file"]


async def test_what_was_read_is_kept_for_a_short_while(
    repository, server, reader, git_calls, monkeypatch
):
    monkeypatch.setattr(blobs, "SMALLEST_WINDOW", 3)
    monkeypatch.setattr(blobs, "LARGEST_WINDOW", 3)
    monkeypatch.setattr(blobs, "RECENT_BYTES", 6)
    files = {name: name * 3 for name in "abcd"}
    await repository.commit(files)
    tree = (await reader.fetch(server.url("apps"))).tree
    git_calls.clear()

    for name in "abcdcda":
        assert await tree.read(name) == files[name].encode()

    assert git_calls.count("cat-file") == 5


async def test_more_is_brought_at_once_while_it_is_read(
    repository, server, reader, git_calls, monkeypatch
):
    monkeypatch.setattr(blobs, "SMALLEST_WINDOW", 2)
    files = {f"{number:02}": "x" + chr(97 + number) for number in range(15)}
    await repository.commit(files)
    tree = (await reader.fetch(server.url("apps"))).tree
    git_calls.clear()

    for name in sorted(files):
        assert await tree.read(name) == files[name].encode()

    assert git_calls.count("cat-file") == 4  # of 1, 2, 4 and 8 files


async def test_little_is_brought_when_what_was_brought_is_not_read(
    repository, server, reader, git_calls, monkeypatch
):
    monkeypatch.setattr(blobs, "SMALLEST_WINDOW", 4)
    files = {
        f"{folder}/{number}": f"{folder}{number}" for folder in "abcdef" for number in range(4)
    }
    await repository.commit(files)
    tree = (await reader.fetch(server.url("apps"))).tree

    for folder in "abcdef":
        assert await tree.read(f"{folder}/0") == f"{folder}0".encode()

    assert tree.blobs._window == 4
