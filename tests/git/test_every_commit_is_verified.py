"""`verify: {mode: EveryCommit}`: nothing unsigned comes in between, whatever was pushed how."""

from __future__ import annotations

import pytest
from tests.git.signing import (
    EVERY,
    HEAD,
    needs_gpg,
    needs_ssh_keygen,
    signed,
)

from shoal.errors import UntrustedRevision
from shoal.model.identity import Ref
from shoal_plugins.git import GitSource, verifying

pytestmark = [needs_gpg, needs_ssh_keygen]


async def test_every_commit_since_the_last_one_must_be_signed(
    repository, server, reader, people, trust
):
    await repository.commit({"a.yaml": "a: 1\n"}, "Before Shoal came")
    await signed(repository, people.ann)
    first = await reader.fetch(server.url("apps"), **EVERY)
    await repository.commit({"a.yaml": "a: 2\n"}, "Sneaked in")
    last = await signed(repository, people.cleo)

    by_head = await reader.fetch(server.url("apps"), **HEAD, ref=Ref("default", "other"))
    with pytest.raises(UntrustedRevision, match="is not signed"):
        await reader.fetch(server.url("apps"), first, **EVERY)

    assert by_head.revision == last


async def test_what_was_verified_last_outlives_a_restart(repository, server, reader, people, trust):
    await signed(repository, people.ann)
    await reader.fetch(server.url("apps"), **EVERY)
    await repository.commit({"a.yaml": "a: 2\n"}, "Sneaked in")
    await signed(repository, people.ann)
    reader.source = GitSource()

    with pytest.raises(UntrustedRevision, match="is not signed"):
        await reader.fetch(server.url("apps"), **EVERY)


async def test_an_unsigned_merge_is_refused_and_a_signed_one_brings_what_is_signed(
    repository, server, reader, people, trust
):
    await signed(repository, people.ann)
    first = await reader.fetch(server.url("apps"), branch="main", **EVERY)
    await repository.git("checkout", "-q", "-b", "topic")
    await signed(repository, people.cleo, "Topic")
    await repository.git("checkout", "-q", "main")
    await signed(repository, people.ann, "Main")
    await repository.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    await repository.git("push", "-q", "origin", "main")

    with pytest.raises(UntrustedRevision, match="is not signed"):
        await reader.fetch(server.url("apps"), first, branch="main", **EVERY)

    await repository.git(*people.ann.options, "commit", "-q", "-S", "--amend", "-m", "Merge")
    await repository.git("push", "-q", "--force", "origin", "main")
    merged = await reader.fetch(server.url("apps"), first, branch="main", **EVERY)
    assert merged.revision == await repository.git("rev-parse", "HEAD")


async def test_an_unsigned_branch_behind_a_signed_merge_is_refused(
    repository, server, reader, people, trust
):
    await signed(repository, people.ann)
    first = await reader.fetch(server.url("apps"), branch="main", **EVERY)
    await repository.git("checkout", "-q", "-b", "topic")
    await repository.commit({"evil.yaml": "a: 1\n"}, "Topic")
    await repository.git("checkout", "-q", "main")
    await repository.git(*people.ann.options, "merge", "-q", "-S", "--no-ff", "-m", "M", "topic")
    await repository.git("push", "-q", "origin", "main")

    with pytest.raises(UntrustedRevision, match="is not signed"):
        await reader.fetch(server.url("apps"), first, branch="main", **EVERY)


async def test_a_forced_push_hides_no_unsigned_commit(repository, server, reader, people, trust):
    root = await signed(repository, people.ann)
    await signed(repository, people.ann)
    first = await reader.fetch(server.url("apps"), branch="main", **EVERY)
    await repository.git("reset", "-q", "--hard", root)
    await repository.git("commit", "-q", "--allow-empty", "-m", "Sneaked in")
    await signed(repository, people.ann, "Rewritten")

    with pytest.raises(UntrustedRevision, match="is not signed"):
        await reader.fetch(server.url("apps"), first, branch="main", **EVERY)

    await repository.git("reset", "-q", "--hard", root)
    rewritten = await signed(repository, people.ann, "Rewritten well")
    after = await reader.fetch(server.url("apps"), first, branch="main", **EVERY)
    assert after.revision == rewritten


async def test_a_history_that_is_cut_off_is_refused(repository, server, reader, people, trust):
    await signed(repository, people.ann)
    first = await reader.fetch(server.url("apps"), **EVERY)
    await signed(repository, people.ann)
    mirror = next(reader.host.cache_folder.glob("*.git"))
    (mirror / "shallow").write_text(f"{first.revision}\n")

    with pytest.raises(UntrustedRevision, match="history that is cut off"):
        await reader.fetch(server.url("apps"), first, **EVERY)


async def test_more_commits_than_are_verified_at_once_are_refused(
    repository, server, reader, people, trust, monkeypatch
):
    monkeypatch.setattr(verifying, "MOST_COMMITS", 1)
    await signed(repository, people.ann)
    first = await reader.fetch(server.url("apps"), **EVERY)
    await signed(repository, people.ann)
    await signed(repository, people.ann)

    with pytest.raises(UntrustedRevision, match="more than 1 commits at once"):
        await reader.fetch(server.url("apps"), first, **EVERY)


async def test_replaced_objects_and_grafts_count_for_nothing(
    repository, server, reader, people, trust
):
    good = await signed(repository, people.ann)
    first = await reader.fetch(server.url("apps"), **EVERY)
    bad = await repository.commit({"evil.yaml": "a: 1\n"}, "Sneaked in")
    last = await signed(repository, people.ann)
    mirror = next(reader.host.cache_folder.glob("*.git"))
    (mirror / "info").mkdir(exist_ok=True)
    (mirror / "info/grafts").write_text(f"{last} {good}\n")
    (mirror / "refs/replace").mkdir(parents=True)
    (mirror / "refs/replace" / bad).write_text(f"{good}\n")

    with pytest.raises(UntrustedRevision, match="is not signed"):
        await reader.fetch(server.url("apps"), first, **EVERY)


async def test_an_author_cannot_write_a_verdict(repository, server, reader, people, trust):
    name = f"x\u2028{'1' * 40}\x0cG\x85"
    await repository.git("-c", f"user.name={name}", "commit", "-q", "--allow-empty", "-m", "Change")
    await repository.git("push", "-q", "origin", "HEAD")

    with pytest.raises(UntrustedRevision, match="is not signed"):
        await reader.fetch(server.url("apps"), **HEAD)
