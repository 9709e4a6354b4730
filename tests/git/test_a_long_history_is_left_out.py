"""`history: Latest`: a revision comes without its past, and is read like any other."""

from __future__ import annotations

import os

import anyio
import pytest
from pydantic import ValidationError

from shoal.errors import BudgetExceeded, InvalidSource
from shoal.model.identity import Ref
from shoal_plugins.git import GitSource, bounding, mirrors

LATEST = {"history": "Latest"}


async def _commits(repository, folder) -> int:
    listed = await repository.git("--git-dir", str(folder), "rev-list", "--all", "--count")
    return int(listed)


async def _mirror(reader) -> anyio.Path:
    (folder,) = [path async for path in anyio.Path(reader.host.cache_folder).glob("*.git")]
    return folder


async def test_only_the_revision_is_fetched(repository, server, reader):
    for number in range(5):
        await repository.commit({"a.yaml": f"a: {number}\n"})

    artifact = await reader.fetch(server.url("apps"), **LATEST)

    assert artifact.revision == await repository.git("rev-parse", "HEAD")
    assert await artifact.tree.read("a.yaml") == b"a: 4\n"
    assert await _commits(repository, await _mirror(reader)) == 1


async def test_the_next_revision_brings_only_what_is_new(repository, server, reader):
    await repository.commit({"large": os.urandom(200_000).hex(), "a.yaml": "a: 1\n"})
    first = await reader.fetch(server.url("apps"), **LATEST)
    for number in range(3):
        await repository.commit({"a.yaml": f"a: {number}\n"})
    before = server.sent_bytes

    second = await reader.fetch(server.url("apps"), first, **LATEST)

    assert await second.tree.read("a.yaml") == b"a: 2\n"
    assert await first.tree.read("a.yaml") == b"a: 1\n"
    assert server.sent_bytes - before < 5_000
    assert await _commits(repository, await _mirror(reader)) == 2


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ({"branch": "main"}, {"refs": 1, "ls-refs": 1}),
        ({"tag": "v1.0.0"}, {"refs": 1, "ls-refs": 1}),
        ({"semver": "*"}, {"refs": 1, "ls-refs": 1}),
        ({}, {"refs": 1, "ls-refs": 1, "fetch": 1}),
    ],
)
async def test_an_unchanged_revision_is_one_conversation(repository, server, reader, wanted, asked):
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("tag", "-a", "-m", "One", "v1.0.0")
    await repository.git("push", "-q", "origin", "v1.0.0")
    artifact = await reader.fetch(server.url("apps"), **wanted, **LATEST)
    server.asked.clear()

    assert await reader.fetch(server.url("apps"), artifact, **wanted, **LATEST) is artifact
    assert dict(server.asked) == asked


async def test_a_branch_that_is_not_there_is_named(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})

    with pytest.raises(InvalidSource, match="has no branch mian; did you mean main"):
        await reader.fetch(server.url("apps"), branch="mian", **LATEST)


async def test_a_merge_of_an_old_branch_brings_no_past(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("branch", "old")
    for number in range(4):
        await repository.commit({"a.yaml": f"a: {number}\n"})
    first = await reader.fetch(server.url("apps"), **LATEST)
    await repository.git("checkout", "-q", "old")
    await repository.git("commit", "-q", "--allow-empty", "-m", "Old")
    await repository.git("checkout", "-q", "main")
    await repository.git("merge", "-q", "--no-ff", "-m", "Merge", "old")
    await repository.git("push", "-q", "origin", "main")

    await reader.fetch(server.url("apps"), first, **LATEST)

    assert await _commits(repository, await _mirror(reader)) == 2


async def test_tags_commits_and_several_names_at_once_work(repository, server, reader):
    old = await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("tag", "-a", "-m", "One", "v1.0.0")
    await repository.git("push", "-q", "origin", "v1.0.0")
    await repository.commit({"a.yaml": "a: 2\n"})
    wanted = [{"semver": "1.x"}, {"commit": old}, {"branch": "main"}, {"tag": "v1.0.0"}]
    fetched: dict[int, str] = {}

    async def fetch(number: int) -> None:
        artifact = await reader.fetch(
            server.url("apps"), ref=Ref("default", f"s{number}"), **wanted[number], **LATEST
        )
        fetched[number] = (await artifact.tree.read("a.yaml")).decode()

    async with anyio.create_task_group() as tasks:
        for number in range(len(wanted)):
            tasks.start_soon(fetch, number)

    assert fetched == {0: "a: 1\n", 1: "a: 1\n", 2: "a: 2\n", 3: "a: 1\n"}


async def test_a_forced_push_takes_nothing_away(repository, server, reader):
    await repository.commit({"base.yaml": "base: 1\n"})
    await repository.commit({"a.yaml": "a: 1\n"})
    before = await reader.fetch(server.url("apps"), **LATEST)
    await repository.git("reset", "-q", "--hard", "HEAD~1")
    await repository.commit({"a.yaml": "a: 2\n"}, "Rewrite", "--force")

    after = await reader.fetch(server.url("apps"), before, **LATEST)
    await repository.git("--git-dir", str(await _mirror(reader)), "gc", "-q", "--prune=now")

    assert await after.tree.read("a.yaml") == b"a: 2\n"
    assert await before.tree.read("a.yaml") == b"a: 1\n"


async def test_sources_with_and_without_a_history_do_not_share_a_mirror(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.commit({"a.yaml": "a: 2\n"})

    short = await reader.fetch(server.url("apps"), **LATEST)
    long = await reader.fetch(server.url("apps"), ref=Ref("default", "other"))

    counts = [
        await _commits(repository, path)
        async for path in anyio.Path(reader.host.cache_folder).glob("*.git")
    ]
    assert short.revision == long.revision
    assert sorted(counts) == [1, 2]


async def test_every_commit_cannot_be_verified_without_a_history(reader):
    verify = {"mode": "EveryCommit", "secretRef": {"name": "signers"}}

    with pytest.raises(ValidationError, match="EveryCommit needs history Full"):
        await reader.fetch("https://forge.example/a.git", verify=verify, **LATEST)


async def test_a_fetch_that_brings_too_much_is_ended(
    repository, server, reader, monkeypatch, tmp_path
):
    """The git of this test goes on writing, as one does that a hostile server feeds."""
    await repository.commit({"a.yaml": "a: 1\n"})
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text(
        """#!/bin/sh
[ "$1" = fetch ] || PATH="$REAL_PATH" exec git "$@"
head -c 3000000 /dev/zero > "$GIT_DIR/objects/pack/tmp_pack_x"
exec sleep 60
"""
    )
    slow.chmod(0o755)
    monkeypatch.setattr(bounding, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(mirrors, "LARGEST_FETCH", 2_000_000)
    monkeypatch.setenv("REAL_PATH", os.environ["PATH"])
    real = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(slow.parent), prepend=os.pathsep)

    with pytest.raises(BudgetExceeded, match=r"apps\.git would bring more than 1 MiB; set history"):
        await reader.fetch(server.url("apps"))
    monkeypatch.setenv("PATH", real)

    assert [path async for path in (await _mirror(reader)).glob("objects/pack/tmp_*")] == []
    reader.source = GitSource()
    assert (await reader.fetch(server.url("apps"))).revision
