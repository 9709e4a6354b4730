"""A repository that is gone, rewritten, failing or silent: an error, never an empty source."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from shoal.errors import InvalidSource, SourceUnavailable
from shoal_clusters.demo.git_server import Behaviour
from shoal_plugins.git import GitSource, mirrors
from shoal_plugins.git.running import Command, run_git


async def test_a_deleted_branch_is_named_with_the_nearest(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("push", "-q", "origin", "HEAD:release-1")
    artifact = await reader.fetch(server.url("apps"), branch="release-1")
    await repository.git("push", "-q", "origin", "--delete", "release-1")
    await repository.git("push", "-q", "origin", "HEAD:release-2")

    with pytest.raises(InvalidSource, match="has no branch release-1; did you mean release-2"):
        await reader.fetch(server.url("apps"), artifact, branch="release-1")

    assert await artifact.tree.read("a.yaml") == b"a: 1\n"


async def test_branches_are_listed_when_none_is_near(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})

    with pytest.raises(InvalidSource, match="has no branch production; there is main"):
        await reader.fetch(server.url("apps"), branch="production")


async def test_a_head_without_its_branch_is_explained(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("push", "-q", "origin", "HEAD:trunk")
    await repository.git("--git-dir", str(repository.bare), "symbolic-ref", "HEAD", "refs/heads/no")

    with pytest.raises(InvalidSource, match=r"HEAD of .* points at a branch that is not there"):
        await reader.fetch(server.url("apps"))


async def test_a_forced_push_is_followed_and_takes_nothing_away(repository, server, reader):
    await repository.commit({"base.yaml": "base: 1\n"})
    await repository.commit({"a.yaml": "a: 1\n"})
    before = await reader.fetch(server.url("apps"), branch="main")
    await repository.git("reset", "-q", "--hard", "HEAD~1")
    await repository.commit({"a.yaml": "a: 2\n"}, "Rewrite", "--force")
    await repository.git("--git-dir", str(repository.bare), "gc", "-q", "--prune=now")

    after = await reader.fetch(server.url("apps"), before, branch="main")
    mirror = next(reader.host.cache_folder.iterdir())
    await repository.git("--git-dir", str(mirror), "gc", "-q", "--prune=now")

    assert await after.tree.read("a.yaml") == b"a: 2\n"
    assert await before.tree.read("a.yaml") == b"a: 1\n"


async def test_a_repository_that_is_gone_may_come_back(repository, server, reader):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    artifact = await reader.fetch(server.url("apps"))
    away = repository.bare.with_name("away")
    repository.bare.rename(away)

    with pytest.raises(InvalidSource, match="there is no Git repository at http://127"):
        await reader.fetch(server.url("apps"), artifact)

    away.rename(repository.bare)
    assert (await reader.fetch(server.url("apps"), artifact)).revision == commit


async def test_a_server_that_is_down_is_tried_again(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    artifact = await reader.fetch(server.url("apps"))
    await server.stop()

    with pytest.raises(SourceUnavailable, match="cannot be read: unable to access"):
        await reader.fetch(server.url("apps"), artifact)

    await server.start()
    assert await reader.fetch(server.url("apps"), artifact) is artifact


async def test_a_server_that_fails_is_tried_again(repository, server, reader):
    server.behaviour = Behaviour.FAIL

    with pytest.raises(SourceUnavailable, match="503"):
        await reader.fetch(server.url("apps"))


async def test_a_silent_server_is_given_up_after_the_deadline(
    repository, server, reader, monkeypatch
):
    monkeypatch.setattr(mirrors, "_SILENCE_SECONDS", 0.5)
    server.behaviour = Behaviour.HANG

    with pytest.raises(SourceUnavailable, match=r"git fetch got no answer within 0\.5 s"):
        await reader.fetch(server.url("apps"))

    await _until_no_git_has(server.url("apps"))


async def test_a_git_that_says_that_it_goes_on_is_not_given_up(reader, tmp_path, monkeypatch):
    slow = tmp_path / "git"
    slow.write_text(
        "#!/bin/sh\nfor at in 1 2 3 4 5 6; do echo $at >&2; sleep 0.2; done; echo done\n"
    )
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    command = Command("fetch", silence_seconds=1.0)

    assert await run_git(command, tmp_path / "mirror", reader.host) == b"done\n"


async def test_cancelling_ends_git_and_its_children(repository, server, reader):
    server.behaviour = Behaviour.HANG

    async with anyio.create_task_group() as group:
        group.start_soon(reader.fetch, server.url("apps"))
        with anyio.fail_after(10):
            while not server.asked:
                await anyio.lowlevel.checkpoint()
        assert _gits_with(server.url("apps"))
        group.cancel_scope.cancel()

    await _until_no_git_has(server.url("apps"))


async def test_a_lost_mirror_is_made_again(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    artifact = await reader.fetch(server.url("apps"))
    shutil.rmtree(reader.host.cache_folder)

    again = await reader.fetch(server.url("apps"), artifact)

    assert again is not artifact
    assert await again.tree.read("a.yaml") == b"a: 1\n"


async def test_locks_of_a_killed_git_do_not_stay(repository, server, reader):
    first = await repository.commit({"a.yaml": "a: 1\n"})
    await reader.fetch(server.url("apps"))
    second = await repository.commit({"a.yaml": "a: 2\n"})
    mirror = next(reader.host.cache_folder.iterdir())
    day = next((mirror / "refs/shoal/kept").iterdir()).name
    for lock in ("packed-refs.lock", f"refs/shoal/kept/{day}/{second}.lock", "config.lock"):
        (mirror / lock).touch()
    reader.source = GitSource()

    artifact = await reader.fetch(server.url("apps"))

    assert first != artifact.revision == second


async def _until_no_git_has(text: str) -> None:
    """What was killed is gone a little later, on a busy machine."""
    with anyio.fail_after(10):
        while await to_thread.run_sync(_gits_with, text):
            await anyio.lowlevel.checkpoint()


def _gits_with(text: str) -> list[str]:
    """The running commands that name `text`."""
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in running.stdout.splitlines() if text in line and "git" in line]


def test_the_mirror_of_an_address_is_always_the_same_folder(tmp_path: Path):
    one = mirrors.mirror_folder("https://forge.example/apps.git", tmp_path)

    assert one == mirrors.mirror_folder("https://forge.example/apps.git", tmp_path)
    assert one != mirrors.mirror_folder("https://forge.example/apps2.git", tmp_path)
