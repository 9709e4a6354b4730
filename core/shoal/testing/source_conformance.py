"""What every source type must do, as tests: subclass `SourceConformance` and give it fixtures.

    class TestMine(SourceConformance):
        @pytest.fixture
        def source(self):
            return MySource()

        @pytest.fixture
        def spec(self, server):              # as people write it, of something that is there
            return {"url": server.url}

        @pytest.fixture
        def move(self, server):              # awaited: publishes another revision of it
            return server.publish_another

        @pytest.fixture
        def missing(self, server):           # of something that is not there
            return {"url": f"{server.url}/nowhere"}

`secrets` and `host` may be given too, see `seam_conformance`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from shoal.engine import answers
from shoal.errors import InvalidSource, ShoalError
from shoal.hooks.host import Host
from shoal.hooks.sources import SourceType
from shoal.model.artifacts import Artifact, Entry, EntryKind, Tree
from shoal.model.identity import Ref
from shoal.testing.seam_conformance import (
    Caller,
    SeamConformance,
    Secrets,
    check_name,
    check_spec,
    read_spec,
)

SOURCE = Ref("default", "conformance")
_NOWHERE = "no-such-file-anywhere"
Written = Mapping[str, Any]
Move = Callable[[], Awaitable[object]]


class Fetching(Caller):
    """Fetches what a test has written down."""

    async def fetch(
        self, written: Written, previous: Artifact | None = None, source: Ref = SOURCE
    ) -> Artifact:
        """As the engine does; the answer is one that it takes."""
        spec = read_spec(self.plugin.spec, written)
        found = await self.ask(lambda: self.plugin.fetch(source, spec, previous, self.host))
        return answers.artifact(found)


class SourceConformance(SeamConformance):
    """The suite; every test is a promise of `SourceType` and of the trees that it hands over."""

    @pytest.fixture
    def fetching(self, source: SourceType[Any], host: Host, secrets: Secrets) -> Fetching:
        """Fetches by the source under test."""
        return Fetching(source, host, secrets)

    def test_its_name_and_spec_fit_documents(self, source: SourceType[Any]) -> None:
        """A key, and a model that is strict and described."""
        check_name(source.name)
        check_spec(source.spec)

    async def test_a_revision_is_handed_over(self, fetching: Fetching, spec: Written) -> None:
        """Of the source that was asked for, with the digest of its tree."""
        artifact = await fetching.fetch(spec)

        assert artifact.source == SOURCE
        assert artifact.digest == artifact.tree.digest

    async def test_when_nothing_is_new_it_is_the_very_same_artifact(
        self, fetching: Fetching, spec: Written
    ) -> None:
        """`is`, not only equal: by that the engine knows that nobody need be told."""
        first = await fetching.fetch(spec)

        assert await fetching.fetch(spec, first) is first

    async def test_another_revision_is_another_artifact(
        self, fetching: Fetching, spec: Written, move: Move
    ) -> None:
        """And what was handed out before stays as it was: somebody may still be reading it."""
        first = await fetching.fetch(spec)
        content = await content_of(first.tree)
        await move()
        second = await fetching.fetch(spec, first)

        assert (second.revision, second.digest) != (first.revision, first.digest)
        assert await content_of(first.tree) == content
        assert await content_of(second.tree) != content or second.digest == first.digest

    async def test_a_digest_speaks_of_the_content_alone(
        self, fetching: Fetching, spec: Written
    ) -> None:
        """Another source of the same content has the same digest, and shares what is rendered."""
        first = await fetching.fetch(spec)
        other = await fetching.fetch(spec, source=Ref("other", "one"))

        assert (other.digest, other.revision) == (first.digest, first.revision)
        assert await content_of(other.tree) == await content_of(first.tree)

    async def test_a_tree_says_of_a_path_what_its_folder_says(
        self, fetching: Fetching, spec: Written
    ) -> None:
        """Listings are sorted, sizes are those of the content, and what is missing is missing."""
        tree = (await fetching.fetch(spec)).tree
        root = await tree.entry("")

        assert root is not None
        assert root.kind is EntryKind.FOLDER
        await _check_folder(tree, "")
        assert await tree.entry(_NOWHERE) is None
        for missing in (tree.read, tree.list):
            with pytest.raises(FileNotFoundError):
                await missing(_NOWHERE)

    async def test_what_is_not_there_is_an_error_and_never_an_empty_source(
        self, fetching: Fetching, missing: Written
    ) -> None:
        """An empty source would prune everything."""
        with pytest.raises(ShoalError):
            await fetching.fetch(missing)

    async def test_what_is_gone_is_an_error_too_when_it_was_there_before(
        self, fetching: Fetching, spec: Written, missing: Written
    ) -> None:
        """The earlier artifact is kept by the engine, not handed out again as if it were new."""
        previous = await fetching.fetch(spec)

        with pytest.raises(ShoalError):
            await fetching.fetch(missing, previous)

    async def test_a_fetch_that_is_cancelled_ends_and_the_next_one_works(
        self, fetching: Fetching, spec: Written
    ) -> None:
        """At any step of it, the first of all too."""
        await fetching.cancel(lambda: fetching.fetch(spec))

        assert (await fetching.fetch(spec)).source == SOURCE

    async def test_many_sources_are_fetched_at_once(
        self, fetching: Fetching, spec: Written
    ) -> None:
        """One object serves all sources of the kind."""
        wanted = read_spec(fetching.plugin.spec, spec)
        refs = [Ref("default", f"number-{number}") for number in range(5)]
        found = await fetching.ask(
            lambda: asyncio.gather(
                *(fetching.plugin.fetch(ref, wanted, None, fetching.host) for ref in refs)
            )
        )

        assert [each.source for each in found] == refs
        assert len({each.digest for each in found}) == 1


class RevisedSourceConformance(SourceConformance):
    """The same, of a source type whose other revisions can be named (`RevisedSourceType`)."""

    async def test_a_revision_that_is_named_is_that_revision(
        self, fetching: Fetching, spec: Written
    ) -> None:
        """What `at` names is fetched as that revision."""
        artifact = await fetching.fetch(spec)
        named = fetching.plugin.at(read_spec(fetching.plugin.spec, spec), artifact.revision)
        again = await fetching.fetch(named[0].model_dump(mode="json", exclude_unset=True))

        assert (again.revision, again.digest) == (artifact.revision, artifact.digest)

    async def test_what_can_be_no_revision_is_refused(
        self, fetching: Fetching, spec: Written
    ) -> None:
        """Before anything is fetched."""
        with pytest.raises(InvalidSource):
            fetching.plugin.at(read_spec(fetching.plugin.spec, spec), "\n")


class RememberingSourceConformance(SourceConformance):
    """The same, of a source type that keeps the past of what it fetched (`RememberingSourceType`).

    What `move` publishes must come after what was there.
    """

    async def test_a_revision_is_in_the_past_of_the_next(
        self, fetching: Fetching, spec: Written, move: Move
    ) -> None:
        """And the next is in that of no earlier one."""
        first = await fetching.fetch(spec)
        await move()
        second = await fetching.fetch(spec, first)
        read, ends = read_spec(fetching.plugin.spec, spec), [first.revision, second.revision]

        past = answers.ancestor(
            await fetching.ask(
                lambda: fetching.plugin.ancestor(read, first.revision, ends, fetching.host)
            )
        )
        newest = await fetching.ask(
            lambda: fetching.plugin.ancestor(read, second.revision, ends, fetching.host)
        )

        assert past is not None
        assert (past.revision, past.within) == (first.revision, frozenset({second.revision}))
        assert newest is None

    async def test_what_was_never_published_is_in_no_past(
        self, fetching: Fetching, spec: Written
    ) -> None:
        """It is not found, which is no error."""
        artifact = await fetching.fetch(spec)
        read = read_spec(fetching.plugin.spec, spec)
        found = await fetching.ask(
            lambda: fetching.plugin.ancestor(
                read, "0123456789abcdef", [artifact.revision], fetching.host
            )
        )

        assert found is None


async def content_of(tree: Tree, path: str = "") -> dict[str, bytes]:
    """Path → content of every file and link below a folder."""
    found: dict[str, bytes] = {}
    for entry in await tree.list(path):
        below = f"{path}/{entry.name}" if path else entry.name
        if entry.kind is EntryKind.FOLDER:
            found |= await content_of(tree, below)
        elif entry.kind is not EntryKind.OTHER:
            found[below] = await tree.read(below)
    return found


async def _check_folder(tree: Tree, path: str) -> None:
    entries = list(await tree.list(path))
    assert entries == sorted(entries, key=lambda each: each.name), f"{path}/ is not sorted"
    for entry in entries:
        below = f"{path}/{entry.name}" if path else entry.name
        assert await tree.entry(below) == entry, f"{below} is said to be two things"
        await _check_entry(tree, below, entry)


async def _check_entry(tree: Tree, path: str, entry: Entry) -> None:
    if entry.kind is EntryKind.FOLDER:
        await _check_folder(tree, path)
        return
    with pytest.raises(FileNotFoundError):
        await tree.list(path)
    if entry.kind is EntryKind.FILE:
        assert len(await tree.read(path)) == entry.size, f"{path} has another size"
