"""A commit that was pushed together with a later one is in the past of that one."""

from __future__ import annotations

import pytest

from shoal.errors import InvalidSource
from shoal.hooks.sources import RememberingSourceType
from shoal_plugins.git import GitSource
from shoal_plugins.git.specification import GitSpec


@pytest.fixture
def ask(server, reader):
    """Ask the source which of these revisions have a commit in their past."""

    async def ask_source(name, *revisions, **spec):
        given = GitSpec.model_validate({"url": server.url("apps"), **spec})
        return await reader.source.ancestor(given, name, revisions, reader.host)

    return ask_source


def test_the_source_type_says_that_it_can() -> None:
    assert isinstance(GitSource(), RememberingSourceType)


async def test_it_is_in_the_past_of_what_came_with_it_and_after(repository, server, reader, ask):
    before = await repository.commit({"a.yaml": "a: 1\n"})
    await reader.fetch(server.url("apps"))
    unseen = await repository.commit({"a.yaml": "a: 2\n"}, "The one before")
    first = await repository.commit({"a.yaml": "a: 3\n"})
    await reader.fetch(server.url("apps"))
    second = await repository.commit({"a.yaml": "a: 4\n"})
    await reader.fetch(server.url("apps"))
    asked = len(server.asked)

    found = await ask(unseen[:7], before, first, second, "0" * 40, "folder:12")

    assert found.revision == unseen
    assert found.provenance.subject == "The one before"
    assert found.within == {first, second}
    assert len(server.asked) == asked  # nobody was asked


async def test_what_no_revision_has_in_its_past_is_not_found(repository, server, reader, ask):
    main = await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("checkout", "-q", "-b", "topic")
    beside = await repository.commit({"a.yaml": "a: 2\n"})
    await reader.fetch(server.url("apps"), branch="topic")  # it is in the mirror
    await reader.fetch(server.url("apps"), branch="main")

    assert await ask(beside, main) is None
    assert await ask("abcdef0", main) is None
    assert await ask("v1.0.0", main) is None
    assert await ask("--all", main) is None


async def test_a_mirror_that_was_not_filled_yet_knows_nothing(repository, ask):
    assert await ask(await repository.commit({"a.yaml": "a: 1\n"}), "0" * 40) is None


async def test_without_history_it_says_that_it_cannot_know(repository, server, reader, ask):
    unseen = await repository.commit({"a.yaml": "a: 1\n"})
    head = await repository.commit({"a.yaml": "a: 2\n"})
    await reader.fetch(server.url("apps"), history="Latest")

    with pytest.raises(InvalidSource, match="with history: Latest only the commits are known"):
        await ask(unseen, head, history="Latest")
