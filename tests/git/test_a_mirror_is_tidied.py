"""What was handed out outlives force-pushes and restarts; what nobody needs any more goes."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from shoal_plugins.git import GitSource, tidying


def _day(days_ago: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days_ago)).isoformat()


async def _mirror(reader) -> anyio.Path:
    (folder,) = [path async for path in anyio.Path(reader.host.cache_folder).glob("*.git")]
    return folder


async def _in_mirror(repository, reader, *arguments: str) -> str:
    return await repository.git("--git-dir", str(await _mirror(reader)), *arguments)


async def _kept(repository, reader) -> set[str]:
    """The commits that are kept."""
    listed = await _in_mirror(repository, reader, "for-each-ref", "refs/shoal/kept")
    return {line.split()[0] for line in listed.splitlines()}


async def _age(repository, reader, commit: str, days: int) -> None:
    """Let a commit have been handed out so many days ago."""
    await _in_mirror(repository, reader, "update-ref", "-d", f"refs/shoal/kept/{_day(0)}/{commit}")
    await _in_mirror(
        repository, reader, "update-ref", f"refs/shoal/kept/{_day(days)}/{commit}", commit
    )


async def _age_objects(reader, days: int) -> None:
    then = time.time() - days * 24 * 3600
    async for path in (await _mirror(reader)).glob("objects/**/*"):
        os.utime(path, (then, then))


def _granted(reader, *revisions: str) -> None:
    """What the engine says from now on."""
    reader.host = replace(reader.host, granted_revisions=lambda: frozenset(revisions))
    reader.source = GitSource()


@pytest.fixture
async def rewritten(repository, server, reader):
    """What was handed out before a force-push, and what stands there now."""
    await repository.commit({"base.yaml": "base: 1\n"})
    old = await repository.commit({"a.yaml": "a: 1\n"})
    await reader.fetch(server.url("apps"), branch="main")
    await repository.git("reset", "-q", "--hard", "HEAD~1")
    new = await repository.commit({"a.yaml": "a: 2\n"}, "Rewrite", "--force")
    await reader.fetch(server.url("apps"), branch="main")
    return old, new


async def _look_twice(reader, server) -> None:
    artifact = await reader.fetch(server.url("apps"), branch="main")
    assert await reader.fetch(server.url("apps"), artifact, branch="main") is artifact


async def test_a_granted_revision_is_read_again_after_all_that_can_happen_to_it(
    repository, server, reader
):
    await repository.commit({"base.yaml": "base: 1\n"})
    await repository.git("checkout", "-q", "-b", "release")
    granted = await repository.commit({"a.yaml": "a: 1\n"})
    await reader.fetch(server.url("apps"), branch="release")
    await repository.git("push", "-q", "origin", "HEAD~1:main")
    await repository.git("push", "-q", "origin", "--delete", "release")
    await repository.git("--git-dir", str(repository.bare), "gc", "-q", "--prune=now")
    await reader.fetch(server.url("apps"), branch="main")

    await _in_mirror(repository, reader, "reflog", "expire", "--expire=now", "--all")
    await _in_mirror(repository, reader, "gc", "-q", "--prune=now", "--aggressive")
    reader.source = GitSource()
    artifact = await reader.fetch(server.url("apps"), commit=granted)

    assert artifact.revision == granted
    assert await artifact.tree.read("a.yaml") == b"a: 1\n"


@pytest.mark.parametrize(("days", "stays"), [(13, True), (14, False), (400, False)])
async def test_what_is_not_granted_goes_after_two_weeks(
    repository, server, reader, rewritten, days, stays
):
    old, new = rewritten
    await _age(repository, reader, old, days)
    _granted(reader, new)

    await _look_twice(reader, server)

    assert await _kept(repository, reader) == ({old, new} if stays else {new})


async def test_what_is_granted_stays_however_old(repository, server, reader, rewritten):
    old, new = rewritten
    await _age(repository, reader, old, 400)
    _granted(reader, old)

    await _look_twice(reader, server)

    assert await _kept(repository, reader) == {old, new}


async def test_while_grants_are_unknown_nothing_goes(repository, server, reader, rewritten):
    old, new = rewritten
    await _age(repository, reader, old, 400)
    reader.host = replace(reader.host, granted_revisions=lambda: None)
    reader.source = GitSource()

    await _look_twice(reader, server)

    assert await _kept(repository, reader) == {old, new}


async def test_what_a_name_is_at_stays_although_nobody_is_granted_it(
    repository, server, reader, rewritten
):
    _, new = rewritten
    _granted(reader)
    artifact = await reader.fetch(server.url("apps"), branch="main")
    await _age(repository, reader, new, 400)

    await reader.fetch(server.url("apps"), artifact, branch="main")

    assert new in await _kept(repository, reader)


async def test_it_is_done_once_a_day(repository, server, reader, rewritten):
    old, _ = rewritten
    _granted(reader)
    await _look_twice(reader, server)
    await _age(repository, reader, old, 400)

    await _look_twice(reader, server)

    assert old in await _kept(repository, reader)


async def test_garbage_is_collected_when_there_is_much(
    repository, server, reader, rewritten, monkeypatch
):
    old, _ = rewritten
    await _age(repository, reader, old, 400)
    await _age_objects(reader, 3)
    monkeypatch.setattr(tidying, "MOST_LOOSE", 0)
    _granted(reader)

    await _look_twice(reader, server)

    counted = await _in_mirror(repository, reader, "count-objects", "-v")
    objects = await _in_mirror(
        repository, reader, "cat-file", "--batch-all-objects", "--batch-check"
    )
    assert "count: 0\n" in counted
    assert old not in objects


async def test_little_garbage_is_left_alone(repository, server, reader, rewritten):
    _granted(reader)
    before = await _in_mirror(repository, reader, "count-objects", "-v")

    await _look_twice(reader, server)

    assert await _in_mirror(repository, reader, "count-objects", "-v") == before


async def test_names_that_nobody_asks_for_any_more_hold_nothing(
    repository, server, reader, monkeypatch
):
    monkeypatch.setattr(tidying, "EVERY_SECONDS", 0.0)
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("push", "-q", "origin", "HEAD:topic")
    await reader.fetch(server.url("apps"), branch="topic")
    reader.source = GitSource()

    await _look_twice(reader, server)
    first = await _in_mirror(repository, reader, "for-each-ref", "refs/shoal/tips")
    await _look_twice(reader, server)
    second = await _in_mirror(repository, reader, "for-each-ref", "refs/shoal/tips")

    assert (len(first.splitlines()), len(second.splitlines())) == (2, 1)


async def test_a_mirror_that_cannot_be_tidied_fails_nobody(
    repository, server, reader, rewritten, monkeypatch, tmp_path
):
    monkeypatch.setattr(tidying, "MOST_LOOSE", -1)
    refusing = tmp_path / "bin/git"
    refusing.parent.mkdir()
    refusing.write_text(f'#!/bin/sh\n[ "$1" = gc ] && exit 1\nexec {shutil.which("git")} "$@"\n')
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", str(refusing.parent), prepend=os.pathsep)
    _granted(reader)

    await _look_twice(reader, server)
    artifact = await reader.fetch(server.url("apps"))

    assert artifact.revision == await repository.git("rev-parse", "HEAD")
