"""By branch, tag, commit, or the remote's HEAD; read without a checkout."""

from __future__ import annotations

from datetime import datetime

import pytest

from shoal.errors import InvalidSource
from shoal.model.artifacts import EntryKind

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_the_head_of_the_remote_is_the_default(repository, server, reader):
    commit = await repository.commit({"web/a.yaml": "a: 1\n"})

    artifact = await reader.fetch(server.url("apps"))

    assert artifact.revision == commit
    assert await artifact.tree.read("web/a.yaml") == b"a: 1\n"


async def test_a_branch_is_followed(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("checkout", "-q", "-b", "feature/next")
    first = await repository.commit({"a.yaml": "a: 2\n"})

    artifact = await reader.fetch(server.url("apps"), branch="feature/next")
    second = await repository.commit({"a.yaml": "a: 3\n"})
    moved = await reader.fetch(server.url("apps"), artifact, branch="feature/next")

    assert (artifact.revision, moved.revision) == (first, second)
    assert await artifact.tree.read("a.yaml") == b"a: 2\n"  # earlier trees stay readable
    assert await moved.tree.read("a.yaml") == b"a: 3\n"


@pytest.mark.parametrize("annotated", [(), ("-a", "-m", "one")])
async def test_a_tag_is_its_commit(repository, server, reader, annotated):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("tag", *annotated, "v1.0.0")
    await repository.git("push", "-q", "origin", "v1.0.0")
    await repository.commit({"a.yaml": "a: 2\n"})

    artifact = await reader.fetch(server.url("apps"), tag="v1.0.0")

    assert artifact.revision == commit


async def test_a_commit_is_stayed_at(repository, server, reader):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    await repository.commit({"a.yaml": "a: 2\n"})

    artifact = await reader.fetch(server.url("apps"), commit=commit)
    asked = server.asked.copy()
    again = await reader.fetch(server.url("apps"), artifact, commit=commit)

    assert artifact.revision == commit
    assert again is artifact
    assert server.asked == asked  # a commit never moves: nobody is asked


async def test_an_unknown_commit_is_named(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})

    with pytest.raises(InvalidSource, match="has no commit 1111"):
        await reader.fetch(server.url("apps"), commit="1" * 40)


async def test_an_unknown_tag_is_named_with_the_nearest(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("tag", "v1.0.0")
    await repository.git("push", "-q", "origin", "v1.0.0")

    with pytest.raises(InvalidSource, match=r"no tag v1\.0\.1; did you mean v1\.0\.0"):
        await reader.fetch(server.url("apps"), tag="v1.0.1")


async def test_an_empty_repository_is_an_error_and_not_an_empty_source(server, reader):
    with pytest.raises(InvalidSource, match="is empty; push a commit"):
        await reader.fetch(server.url("apps"))


async def test_the_author_the_time_and_the_trace_come_along(repository, server, reader):
    message = f"Raise the image\n\nBecause.\n\nTraceparent: {TRACEPARENT}\n"
    await repository.commit({"a.yaml": "a: 1\n"}, message)

    made = (await reader.fetch(server.url("apps"))).provenance

    assert (made.author, made.subject) == ("Li Example <li@example.com>", "Raise the image")
    assert isinstance(made.committed_at, datetime)
    assert made.committed_at.tzinfo is not None
    assert made.traceparent == TRACEPARENT
    assert made.url == server.url("apps")


async def test_links_and_submodules_are_shown_as_what_they_are(repository, server, reader):
    (repository.work / "link").symlink_to("../outside")
    (repository.work / "run.sh").write_text("#!/bin/sh\n")
    (repository.work / "run.sh").chmod(0o755)
    commit = await repository.commit({"web/a.yaml": "a: 1\n"})
    await repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    await repository.git("commit", "-q", "-m", "Add a submodule")
    await repository.git("push", "-q", "origin", "HEAD")

    tree = (await reader.fetch(server.url("apps"))).tree
    kinds = {entry.name: entry.kind for entry in await tree.list("")}

    assert kinds == {
        "link": EntryKind.LINK,
        "module": EntryKind.OTHER,
        "run.sh": EntryKind.FILE,
        "web": EntryKind.FOLDER,
    }
    assert await tree.read("link") == b"../outside"
    assert await tree.entry("web/none") is None
    with pytest.raises(FileNotFoundError):
        await tree.read("module")
    with pytest.raises(FileNotFoundError):
        await tree.list("web/a.yaml")


async def test_digests_are_those_of_git(repository, server, reader):
    await repository.commit({"web/a.yaml": "a: 1\n"})

    artifact = await reader.fetch(server.url("apps"))
    folder = await artifact.tree.entry("web")
    file = await artifact.tree.entry("web/a.yaml")

    assert artifact.digest == artifact.tree.digest == await repository.git("rev-parse", "HEAD:")
    assert folder is not None
    assert file is not None
    assert folder.digest == await repository.git("rev-parse", "HEAD:web")
    assert (file.digest, file.size) == (await repository.git("rev-parse", "HEAD:web/a.yaml"), 5)


async def test_odd_names_and_large_files_are_read(repository, server, reader):
    large = "x" * (3 << 20)
    await repository.commit({"ä b\n\t.yaml": "a: 1\n", "large": large, "web/small": "s"})

    tree = (await reader.fetch(server.url("apps"))).tree

    assert await tree.read("ä b\n\t.yaml") == b"a: 1\n"
    assert await tree.read("large") == large.encode()
    assert await tree.read("web/small") == b"s"
