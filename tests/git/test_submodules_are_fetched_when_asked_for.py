"""`submodules: Fetch`: the files of submodules stand in their places, of the same server only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.engine.folders import GuardedFolder
from shoal.errors import AccessDenied, BudgetExceeded, InvalidSource, UnsafePath
from shoal.model.artifacts import EntryKind
from shoal.model.identity import Ref
from shoal_plugins.git import submodules
from shoal_plugins.git.addresses import parse_address

FETCH = {"submodules": "Fetch"}


async def pin(repository, path: str, commit: str, url: str, name: str = "") -> str:
    """Add a submodule, or move it; the new commit."""
    (repository.work / path).mkdir(parents=True, exist_ok=True)
    await repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    modules = repository.work / ".gitmodules"
    known = modules.read_text() if modules.exists() else ""
    text = f'[submodule "{name or path}"]\n\tpath = {path}\n\turl = {url}\n\tupdate = !false\n'
    return await repository.commit({".gitmodules": known if text in known else known + text})


@pytest.fixture
def library(new_repository):
    """Another repository of the same server."""
    return new_repository("library")


@pytest.mark.parametrize("url", ["../library.git", "{server}"])
async def test_files_of_a_submodule_stand_in_their_place(repository, library, server, reader, url):
    await repository.commit({"web/a.yaml": "a: 1\n", "z.yaml": "z: 1\n"})
    pinned = await library.commit({"b.yaml": "b: 1\n", "deep/c.yaml": "c: 1\n"})
    await library.commit({"b.yaml": "b: 2\n"})
    await pin(repository, "web/lib", pinned, url.format(server=server.url("library")))

    tree = (await reader.fetch(server.url("apps"), **FETCH)).tree
    folder = GuardedFolder(tree, "web")

    assert [(one.name, one.kind) for one in await folder.list("")] == [
        ("a.yaml", EntryKind.FILE),
        ("lib", EntryKind.FOLDER),
    ]
    assert [one.name for one in await folder.list("lib")] == ["b.yaml", "deep"]
    assert await folder.read("lib/b.yaml") == b"b: 1\n"
    assert await folder.read("lib/deep/c.yaml") == b"c: 1\n"
    assert await folder.read("../z.yaml") == b"z: 1\n"
    assert await tree.entry("web/lib/none") is None


async def test_what_is_shown_and_what_is_not_never_have_one_digest(
    repository, library, server, reader
):
    await repository.commit({"web/a.yaml": "a: 1\n", "other/a.yaml": "a: 1\n"})
    pinned = await library.commit({"b.yaml": "b: 1\n"})
    await pin(repository, "web/lib", pinned, "../library.git")

    fetched = (await reader.fetch(server.url("apps"), **FETCH)).tree
    refused = (await reader.fetch(server.url("apps"), ref=Ref("default", "other"))).tree

    for path, is_same in (("", False), ("web", False), ("other", True), ("web/a.yaml", True)):
        one, other = await fetched.entry(path), await refused.entry(path)
        assert one is not None
        assert other is not None
        assert (one.digest == other.digest) is is_same
    listed = {one.name: one.digest for one in await fetched.list("")}
    web = await fetched.entry("web")
    assert web is not None
    assert listed["web"] == web.digest


async def test_a_submodule_that_moves_is_another_digest(repository, library, server, reader):
    first = await library.commit({"b.yaml": "b: 1\n"})
    await pin(repository, "lib", first, "../library.git")
    before = await reader.fetch(server.url("apps"), **FETCH)
    await pin(repository, "lib", await library.commit({"b.yaml": "b: 2\n"}), "../library.git")

    after = await reader.fetch(server.url("apps"), before, **FETCH)

    assert before.digest != after.digest
    assert await before.tree.read("lib/b.yaml") == b"b: 1\n"
    assert await after.tree.read("lib/b.yaml") == b"b: 2\n"


async def test_when_nothing_is_new_one_conversation_tells(repository, library, server, reader):
    await pin(repository, "lib", await library.commit({"b.yaml": "b: 1\n"}), "../library.git")
    artifact = await reader.fetch(server.url("apps"), **FETCH)
    server.asked.clear()

    assert await reader.fetch(server.url("apps"), artifact, **FETCH) is artifact
    assert dict(server.asked) == {"refs": 1, "ls-refs": 1}


async def test_asking_for_submodules_later_fetches_them(repository, library, server, reader):
    await pin(repository, "lib", await library.commit({"b.yaml": "b: 1\n"}), "../library.git")
    artifact = await reader.fetch(server.url("apps"))
    with pytest.raises(UnsafePath, match="a submodule is not read"):
        await GuardedFolder(artifact.tree, "").read("lib/b.yaml")

    artifact = await reader.fetch(server.url("apps"), artifact, **FETCH)

    assert await artifact.tree.read("lib/b.yaml") == b"b: 1\n"


async def test_submodules_of_submodules_are_fetched(
    repository, library, server, reader, new_repository
):
    inner = new_repository("inner")
    pinned = await inner.commit({"c.yaml": "c: 1\n"})
    await library.commit({"b.yaml": "b: 1\n"})
    await pin(repository, "x/lib", await pin(library, "in", pinned, "../inner.git"), "../library")
    (repository.bare.parent / "library").symlink_to(library.bare)

    tree = (await reader.fetch(server.url("apps"), history="Latest", **FETCH)).tree

    assert await tree.read("x/lib/in/c.yaml") == b"c: 1\n"
    assert await tree.read("x/lib/b.yaml") == b"b: 1\n"


async def test_the_credential_of_the_source_reads_them_too(repository, library, server, reader):
    await pin(repository, "lib", await library.commit({"b.yaml": "b: 1\n"}), "../library.git")
    server.token = "canary-5f1d"

    artifact = await reader.fetch(server.url("apps"), secretRef={"name": "forge"}, **FETCH)
    with pytest.raises(AccessDenied):
        await reader.fetch(server.url("apps"), ref=Ref("default", "other"), **FETCH)

    assert await artifact.tree.read("lib/b.yaml") == b"b: 1\n"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://evil.example/library.git", "not on the server"),
        ("http://127.0.0.1:1/library.git", "not on the server"),
        ("http://localhost/library.git", "not on the server"),
        ("ssh://git@127.0.0.1/library.git", "not on the server"),
        ("git@127.0.0.1:library.git", "not on the server"),
        ("/srv/library.git", "not on the server"),
        ("file:///srv/library.git", "not on the server"),
        ("library.git", "not on the server"),
        ("ext::sh -c touch% /tmp/pwned", "remote helpers"),
        ("--upload-pack=x", "hyphen"),
        ("http://canary:canary@127.0.0.1/x.git", "credentials do not belong"),
        ("../../../../etc", "leads out of its server"),
        ("..", "not on the server"),
    ],
)
async def test_what_is_elsewhere_is_refused(repository, library, server, reader, url, why):
    await pin(repository, "lib", await library.commit({"b.yaml": "b: 1\n"}), url)
    server.asked.clear()

    with pytest.raises(InvalidSource, match=f"submodule lib is refused: .*{why}") as caught:
        await reader.fetch(server.url("apps"), **FETCH)

    assert "canary" not in str(caught.value)
    assert server.asked["refs"] == 1  # of the repository itself


async def test_submodules_of_a_local_folder_are_refused(repository, library, local_reader):
    await pin(repository, "lib", await library.commit({"b.yaml": "b: 1\n"}), "../library.git")

    with pytest.raises(InvalidSource, match="submodule lib is refused: it stands in a local"):
        await local_reader.fetch(str(repository.bare), **FETCH)


async def test_a_commit_that_was_not_pushed_is_named(repository, library, server, reader):
    await library.commit({"b.yaml": "b: 1\n"})
    await pin(repository, "web/lib", "1" * 40, "../library.git")

    with pytest.raises(InvalidSource, match="submodule web/lib is at commit 111111111111, which"):
        await reader.fetch(server.url("apps"), **FETCH)


async def test_a_repository_that_is_not_there_fails_the_look(repository, library, server, reader):
    pinned = await library.commit({"b.yaml": "b: 1\n"})
    before = await reader_of_nothing(repository, server, reader)
    await pin(repository, "lib", pinned, "../gone.git")

    with pytest.raises(InvalidSource, match=r"no Git repository at .*/gone\.git"):
        await reader.fetch(server.url("apps"), before, **FETCH)


async def reader_of_nothing(repository, server, reader):
    """What is handed out before there is a submodule."""
    await repository.commit({"a.yaml": "a: 1\n"})
    return await reader.fetch(server.url("apps"), **FETCH)


async def test_one_that_is_named_nowhere_is_refused_when_it_is_read(
    repository, library, server, reader
):
    pinned = await library.commit({"b.yaml": "b: 1\n"})
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("update-index", "--add", "--cacheinfo", f"160000,{pinned},lib")
    await repository.git("commit", "-q", "-m", "Add")
    await repository.git("push", "-q", "origin", "HEAD")

    folder = GuardedFolder((await reader.fetch(server.url("apps"), **FETCH)).tree, "")

    assert await folder.read("a.yaml") == b"a: 1\n"
    with pytest.raises(UnsafePath, match="lib is neither a file nor a folder"):
        await folder.read("lib/b.yaml")


async def test_no_more_than_agreed_are_fetched(repository, library, server, reader, monkeypatch):
    monkeypatch.setattr(submodules, "MOST_SUBMODULES", 1)
    pinned = await library.commit({"b.yaml": "b: 1\n"})
    await pin(repository, "lib", pinned, "../library.git")
    assert await reader.fetch(server.url("apps"), **FETCH)
    await pin(repository, "more", pinned, "../library.git")

    with pytest.raises(BudgetExceeded, match="submodule more is one too many"):
        await reader.fetch(server.url("apps"), **FETCH)


async def test_one_inside_another_is_followed_as_deep_as_agreed(
    repository, library, server, reader, monkeypatch
):
    monkeypatch.setattr(submodules, "DEEPEST", 1)
    inner = await library.commit({"b.yaml": "b: 1\n"})
    await pin(
        repository, "lib", await pin(library, "in", inner, "../library.git"), "../library.git"
    )

    with pytest.raises(BudgetExceeded, match="submodule in is one too many"):
        await reader.fetch(server.url("apps"), **FETCH)


async def test_a_gitmodules_that_git_cannot_read_is_refused(repository, library, server, reader):
    await pin(repository, "lib", await library.commit({"b.yaml": "b: 1\n"}), "../library.git")
    await repository.commit({".gitmodules": "[submodule\n"})

    with pytest.raises(InvalidSource, match=r"\.gitmodules cannot be read"):
        await reader.fetch(server.url("apps"), **FETCH)


async def test_what_gitmodules_includes_is_not_read(repository, library, server, reader, tmp_path):
    (tmp_path / "secret").write_text('[submodule "lib"]\n\turl = https://evil.example/x\n')
    await pin(repository, "lib", await library.commit({"b.yaml": "b: 1\n"}), "../library.git")
    known = (repository.work / ".gitmodules").read_text()
    await repository.commit({".gitmodules": f"{known}[include]\n\tpath = {tmp_path}/secret\n"})

    artifact = await reader.fetch(server.url("apps"), **FETCH)

    assert await artifact.tree.read("lib/b.yaml") == b"b: 1\n"


PARTS = st.lists(st.sampled_from(["..", ".", "a", "b.git", "%2e%2e", "", "-x", "c:d"]), max_size=8)


@given(
    st.sampled_from(["https://h.example/a/b.git", "git@h.example:a/b.git", "ssh://g@h/a/b.git"]),
    PARTS,
)
def test_a_relative_address_never_leaves_its_server(parent, parts):
    known = parse_address(parent)

    try:
        address = parse_address(submodules._joined(parent, "../" + "/".join(parts)))
    except ValueError:
        return

    assert submodules._server(address) == submodules._server(known)
