"""One mirror per repository, one fetch per commit, and only a question when nothing changed."""

from __future__ import annotations

import anyio
import pytest

from shoal.errors import BudgetExceeded
from shoal.model.identity import Ref
from shoal_clusters.demo.git_server import Behaviour, GitServer
from shoal_plugins.git import GitSource, trees


async def test_an_unchanged_repository_is_only_asked(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    artifact = await reader.fetch(server.url("apps"), branch="main")
    server.asked.clear()

    again = await reader.fetch(server.url("apps"), artifact, branch="main")

    assert again is artifact
    assert dict(server.asked) == {"refs": 1, "ls-refs": 1}


async def test_a_commit_arrives_in_one_conversation(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    artifact = await reader.fetch(server.url("apps"), branch="main")
    second = await repository.commit({"a.yaml": "a: 2\n"})
    server.asked.clear()

    moved = await reader.fetch(server.url("apps"), artifact, branch="main")

    assert moved.revision == second
    assert dict(server.asked) == {"refs": 1, "ls-refs": 1, "fetch": 1}


async def test_a_commit_elsewhere_is_not_fetched(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    artifact = await reader.fetch(server.url("apps"), branch="main")
    await repository.git("checkout", "-q", "-b", "other")
    await repository.commit({"a.yaml": "a: 2\n"})

    again = await reader.fetch(server.url("apps"), artifact, branch="main")

    assert again is artifact
    assert server.asked["fetch"] == 1


async def test_two_sources_share_one_mirror_and_one_fetch(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    fetched = []

    async def fetch(name: str) -> None:
        fetched.append(await reader.fetch(server.url("apps"), ref=Ref("default", name)))

    async with anyio.create_task_group() as group:
        group.start_soon(fetch, "one")
        group.start_soon(fetch, "two")

    assert {artifact.source.name for artifact in fetched} == {"one", "two"}
    assert len({artifact.revision for artifact in fetched}) == 1
    assert server.asked["fetch"] == 1
    assert len([path async for path in anyio.Path(reader.host.cache_folder).iterdir()]) == 1


async def test_a_restart_fetches_nothing_that_is_in_the_mirror(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    await reader.fetch(server.url("apps"))
    reader.source = GitSource()

    artifact = await reader.fetch(server.url("apps"))

    assert await artifact.tree.read("a.yaml") == b"a: 1\n"
    assert server.asked["fetch"] == 1


async def test_a_commit_without_changes_keeps_the_digest_and_the_tree(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    first = await reader.fetch(server.url("apps"))
    await repository.commit({}, "Empty")

    second = await reader.fetch(server.url("apps"), first)

    assert first.revision != second.revision
    assert first.digest == second.digest
    assert first.tree is second.tree


async def test_names_that_cannot_be_listed_ahead_fail_whoever_reads_them(
    repository, server, reader, monkeypatch
):
    await repository.commit({"a.yaml": "a: 1\n"})
    first = await reader.fetch(server.url("apps"))
    await repository.git("rm", "-q", "a.yaml")
    emptied = await repository.commit({})
    second = await reader.fetch(server.url("apps"), first)
    moved = await repository.commit({"b.yaml": "b: 1\n"})
    monkeypatch.setattr(trees, "_MOST_LISTED_BYTES", 1)

    third = await reader.fetch(server.url("apps"), second)

    assert (second.revision, third.revision) == (emptied, moved)
    with pytest.raises(BudgetExceeded):
        await third.tree.list("")


async def test_a_silent_server_holds_up_no_other(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})

    async with GitServer(server.folder) as silent:
        silent.behaviour = Behaviour.HANG
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(reader.fetch, f"{silent.url('apps')}{number}")
            with anyio.fail_after(20):
                while silent.asked["refs"] < 8:
                    await anyio.lowlevel.checkpoint()
                artifact = await reader.fetch(server.url("apps"))
            assert await artifact.tree.read("a.yaml") == b"a: 1\n"
            assert silent.asked["refs"] == 8
            group.cancel_scope.cancel()
