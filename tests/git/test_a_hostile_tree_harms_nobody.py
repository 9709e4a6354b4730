"""Trees that git would not make, and trees that are too much: refused, or plain content."""

from __future__ import annotations

import zlib

import anyio
import pytest

from shoal.engine.folders import GuardedFolder
from shoal.errors import BudgetExceeded, InvalidSource, UnsafePath
from shoal_plugins.git import listings, running

_FILE, _FOLDER = b"100644", b"40000"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'4d' * 32}\nsize 12345\n"


def entry(mode: bytes, name: bytes, digest: str) -> bytes:
    """One line of a tree object."""
    return mode + b" " + name + b"\0" + bytes.fromhex(digest)


async def blob(repository, content: str = "a: 1\n") -> str:
    return await repository.git("hash-object", "-w", "--stdin", given=content)


async def tree_of(repository, tmp_path, *entries: bytes) -> str:
    """A tree object as given: nothing is sorted, nothing refused."""
    file = anyio.Path(tmp_path / "tree")
    await file.write_bytes(b"".join(entries))
    return await repository.git("hash-object", "-w", "-t", "tree", "--literally", str(file))


async def push_tree(repository, tree: str) -> None:
    commit = await repository.git("commit-tree", "-m", "Evil", tree)
    await repository.git("push", "-q", "--force", "origin", f"{commit}:refs/heads/main")


@pytest.mark.parametrize("name", [b"..", b".", b"a/b", b"../b", b"/etc/passwd", b"a/../b"])
async def test_a_name_that_is_a_path_is_refused(repository, server, reader, tmp_path, name):
    tree = await tree_of(repository, tmp_path, entry(_FILE, name, await blob(repository)))
    await push_tree(repository, tree)

    artifact = await reader.fetch(server.url("apps"))

    with pytest.raises(UnsafePath, match="holds a file named"):
        await artifact.tree.list("")


@pytest.mark.parametrize("date", ["1700000000 +9959", "253402300800 +0000", "soon"])
async def test_a_date_that_is_none_is_not_told(repository, server, reader, date):
    await repository.commit({"a.yaml": "a: 1\n"})
    tree = await repository.git("rev-parse", "HEAD^{tree}")
    text = f"tree {tree}\nauthor a <a@b> {date}\ncommitter a <a@b> {date}\n\nOdd\n"
    arguments = ("hash-object", "-w", "-t", "commit", "--literally", "--stdin")
    commit = await repository.git(*arguments, given=text)
    await repository.git("push", "-q", "--force", "origin", f"{commit}:refs/heads/main")

    artifact = await reader.fetch(server.url("apps"))

    assert artifact.revision == commit
    assert artifact.provenance.committed_at is None


@pytest.mark.parametrize("name", [b"..", b"a/b"])
async def test_so_is_one_deeper_down(repository, server, reader, tmp_path, name):
    inner = await tree_of(repository, tmp_path, entry(_FILE, name, await blob(repository)))
    await push_tree(repository, await tree_of(repository, tmp_path, entry(_FOLDER, b"web", inner)))

    artifact = await reader.fetch(server.url("apps"))

    with pytest.raises(UnsafePath, match="holds a file named"):
        await artifact.tree.list("web")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b".git", ".git"),
        (b".GIT", ".GIT"),
        (b"git~1", "git~1"),
        (b"..\\..\\etc", "..\\..\\etc"),
        (b"C:\\x", "C:\\x"),
        (b"a\nb", "a\nb"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"-rf", "-rf"),
        (b"\xe2\x80\xae", "\u202e"),
        (b"x" * 3000, "x" * 3000),
    ],
)
async def test_a_name_that_is_dangerous_on_a_disk_is_a_name(
    repository, server, reader, tmp_path, name, shown
):
    tree = await tree_of(repository, tmp_path, entry(_FILE, name, await blob(repository)))
    await push_tree(repository, tree)

    folder = GuardedFolder((await reader.fetch(server.url("apps"))).tree, "")

    assert [each.name for each in await folder.list("")] == [shown]
    assert await folder.read(shown) == b"a: 1\n"


async def test_two_entries_of_one_name_are_refused(repository, server, reader, tmp_path):
    lines = [entry(_FILE, b"a", await blob(repository, text)) for text in ("good", "evil")]
    await push_tree(repository, await tree_of(repository, tmp_path, *lines))

    artifact = await reader.fetch(server.url("apps"))

    with pytest.raises(UnsafePath, match="two entries of one name"):
        await artifact.tree.read("a")


async def test_a_folder_with_more_entries_than_anybody_lists_is_refused(
    repository, server, reader, tmp_path
):
    digest = await blob(repository)
    lines = b"".join(entry(_FILE, b"%07d" % number, digest) for number in range(150_000))
    small = await tree_of(repository, tmp_path, entry(_FILE, b"b.yaml", digest))
    huge = await tree_of(repository, tmp_path, lines)
    root = [entry(_FOLDER, b"huge", huge), entry(_FOLDER, b"small", small)]
    await push_tree(repository, await tree_of(repository, tmp_path, *root))

    artifact = await reader.fetch(server.url("apps"))

    with pytest.raises(BudgetExceeded, match="folder huge holds more than 100000 entries"):
        await GuardedFolder(artifact.tree, "huge").list("")
    assert await GuardedFolder(artifact.tree, "small").read("b.yaml") == b"a: 1\n"


async def test_a_deep_tree_is_too_deep_for_whoever_goes_down(repository, server, reader, tmp_path):
    tree = await tree_of(repository, tmp_path, entry(_FILE, b"b.yaml", await blob(repository)))
    top = tree
    for _ in range(200):
        tree = await tree_of(repository, tmp_path, entry(_FOLDER, b"d", tree))
    lines = [entry(_FOLDER, b"d", tree), entry(_FOLDER, b"web", top)]
    await push_tree(repository, await tree_of(repository, tmp_path, *lines))

    artifact = await reader.fetch(server.url("apps"))

    with pytest.raises(BudgetExceeded, match="deeper than 64 folders"):
        await GuardedFolder(artifact.tree, "").read("/".join(["d"] * 200 + ["b.yaml"]))
    assert await GuardedFolder(artifact.tree, "web").read("b.yaml") == b"a: 1\n"


async def test_a_file_that_unpacks_to_too_much_is_never_unpacked(
    repository, server, reader, monkeypatch
):
    size = 64 * 1024 * 1024
    await repository.commit({"bomb": "\0" * size, "a.yaml": "a: 1\n"})
    artifact = await reader.fetch(server.url("apps"))
    called: list[str] = []
    start = running._start
    monkeypatch.setattr(running, "_start", lambda *a: called.append(a[0][1]) or start(*a))

    with pytest.raises(BudgetExceeded, match="file bomb is larger"):
        await GuardedFolder(artifact.tree, "").read("bomb")

    assert "cat-file" not in called
    assert len(zlib.compress(b"\0" * size)) < 100_000
    assert await GuardedFolder(artifact.tree, "").read("a.yaml") == b"a: 1\n"


async def test_more_names_than_are_read_at_all_are_refused(repository, server, reader, monkeypatch):
    await repository.commit({f"{number}.yaml": "" for number in range(50)})
    artifact = await reader.fetch(server.url("apps"))
    monkeypatch.setattr("shoal_plugins.git.trees._MOST_LISTED_BYTES", 1000)

    with pytest.raises(BudgetExceeded, match="git ls-tree printed more than 1000 bytes"):
        await artifact.tree.list("")


def test_a_folder_at_the_limit_is_read(monkeypatch):
    monkeypatch.setattr(listings, "MOST_ENTRIES", 3)
    lines = [b"100644 blob %d 1\t%d\0" % (number, number) for number in range(4)]

    assert len(listings.Listing("root", b"".join(lines[:3])).folder("") or ()) == 3
    with pytest.raises(BudgetExceeded):
        listings.Listing("root", b"".join(lines)).folder("")


async def test_a_pointer_to_lfs_is_never_taken_for_the_file(repository, server, reader):
    files = {
        ".gitattributes": "*.bin filter=lfs\n",
        "big.bin": POINTER,
        "extended.bin": POINTER.replace("oid", "ext-0-x sha256:00\noid"),
        "about-lfs.md": f"A pointer reads so:\n{POINTER}",
    }
    await repository.commit(files)

    tree = (await reader.fetch(server.url("apps"))).tree

    for name in ("big.bin", "extended.bin"):
        with pytest.raises(InvalidSource, match=rf"file {name} is kept in Git LFS"):
            await tree.read(name)
    assert await tree.read("about-lfs.md") == files["about-lfs.md"].encode()
    assert server.asked["refs"] == 1  # nobody asked for what it names


async def test_a_submodule_is_named_and_never_followed(repository, server, reader):
    commit = await repository.commit({"web/a.yaml": "a: 1\n"})
    await repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},web/module")
    url = server.url("other")
    modules = f'[submodule "x"]\n\tpath=web/module\n\turl={url}\n'
    entry_of = await blob(repository, modules)
    await repository.git("update-index", "--add", "--cacheinfo", f"100644,{entry_of},.gitmodules")
    await repository.git("commit", "-q", "-m", "Add a submodule")
    await repository.git("push", "-q", "origin", "HEAD")

    folder = GuardedFolder((await reader.fetch(server.url("apps"))).tree, "web")

    for path in ("module", "module/b.yaml"):
        with pytest.raises(UnsafePath, match=r"web/module .*a submodule is not read"):
            await folder.read(path)
    assert await folder.read("a.yaml") == b"a: 1\n"
    assert server.asked["refs"] == 1
