"""`semver`: the tag with the newest version of a range, as Flux and Helm read ranges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from semver import Version

from shoal.errors import InvalidSource
from shoal_plugins.git.versions import by_age, newest, parse_range

# Made by main.go beside it, from Masterminds/semver v3.4.0.
MASTERMINDS = json.loads((Path(__file__).parent / "masterminds/answers.json").read_text())
NUMBERS = st.integers(0, 3)
VERSIONS = st.builds(
    Version, NUMBERS, NUMBERS, NUMBERS, st.sampled_from([None, "0", "alpha", "rc.1", "rc.10"])
)


async def _push_tags(repository, *tags: str) -> str:
    commit = await repository.commit({}, f"Release {tags}")
    for tag in tags:
        await repository.git("tag", "--force", tag)
    await repository.git("push", "-q", "--force", "origin", *tags)
    return commit


@pytest.mark.parametrize("text", MASTERMINDS["answers"])
def test_a_range_means_what_it_means_to_flux_and_helm(text):
    wanted = parse_range(text)

    admitted = [one for one in MASTERMINDS["versions"] if wanted.admits(Version.parse(one))]

    assert admitted == MASTERMINDS["answers"][text]


@pytest.mark.parametrize(
    ("text", "version", "is_admitted"),
    [("^*", "7.1.0", True), ("~0.0.0", "0.0.9", True), ("~0.0.0", "0.1.0", False)],
)
def test_where_masterminds_departs_from_its_documentation_we_follow_the_latter(
    text, version, is_admitted
):
    assert parse_range(text).admits(Version.parse(version)) is is_admitted


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "latest", ">", "1.2.3.4", ">=1 and <2", "1..2", "v", "^^1", "1 | 2", "1,,x y"),
        *(">*", "<*", "!=*", "1.2.3-", "1.2.3-01", "1" * 300, "9" * 200 + "|"),
    ],
)
async def test_a_text_that_is_no_range_is_refused_before_git_runs(reader, text):
    with pytest.raises(ValidationError):
        await reader.fetch("https://forge.example/apps.git", semver=text)


@given(VERSIONS)
def test_every_version_satisfies_the_range_that_names_it(version):
    for text in (f"={version}", f">={version}", f"<={version}", f"^{version}", f"~{version}"):
        assert parse_range(text).admits(version)
    for text in (f"!={version}", f">{version}", f"<{version}"):
        assert not parse_range(text).admits(version)


@given(VERSIONS, VERSIONS)
def test_of_two_versions_each_is_below_equal_or_above(one, other):
    ways = [parse_range(f"{operator}{other}") for operator in ("<", "=", ">")]
    counted = [way for way in ways if way.admits(one)]

    # One way is right; a prerelease is not looked at when the range names none.
    assert len(counted) == (0 if one.prerelease and not other.prerelease else 1)


@given(st.lists(VERSIONS, unique=True), st.randoms())
def test_the_newest_does_not_depend_on_the_order_of_the_tags(versions, chance):
    tags = [f"v{version}" for version in versions]
    shuffled = chance.sample(tags, len(tags))
    admitted = [version for version in versions if not version.prerelease]

    assert newest(shuffled, parse_range("*")) == (f"v{max(admitted)}" if admitted else None)


def test_builds_of_one_version_are_told_apart_the_same_way_always():
    tags = ["v1.0.0+9", "1.0.0+10", "1.0.0", "v1.0.0", "v1.0.0+a", "1.0.0+10.1"]

    expected = ["v1.0.0+a", "1.0.0+10.1", "1.0.0+10", "v1.0.0+9", "v1.0.0", "1.0.0"]
    assert [tag for tag, _ in by_age(tags)] == expected
    assert [tag for tag, _ in by_age(reversed(tags))] == expected


async def test_a_newer_tag_is_followed_and_a_prerelease_is_not(repository, server, reader):
    await _push_tags(repository, "v1.2.0", "nightly", "v9")
    url, wanted = server.url("apps"), {"semver": ">=1.2 <2"}

    first = await reader.fetch(url, **wanted)
    commit = await _push_tags(repository, "v1.10.0")
    await _push_tags(repository, "v1.11.0-rc.1", "v2.0.0")
    second = await reader.fetch(url, first, **wanted)

    assert first.provenance.version == "v1.2.0"
    assert (second.provenance.version, second.revision) == ("v1.10.0", commit)


async def test_prereleases_are_followed_when_the_range_names_one(repository, server, reader):
    await _push_tags(repository, "v1.0.0", "v1.1.0-rc.2", "v1.1.0-rc.10")

    artifact = await reader.fetch(server.url("apps"), semver=">=1.0.0-0")

    assert artifact.provenance.version == "v1.1.0-rc.10"


async def test_only_tags_with_the_prefix_are_looked_at(repository, server, reader):
    await _push_tags(repository, "web-1.0.0", "api-3.0.0", "2.0.0", "web-v1.1.0")

    artifact = await reader.fetch(server.url("apps"), semver="*", tagPrefix="web-")

    assert artifact.provenance.version == "web-v1.1.0"


@pytest.mark.parametrize("prefix", ["-x", "a b", "a..", "refs/heads/", "a:b", "a\n", "^"])
async def test_a_hostile_prefix_is_refused(reader, prefix):
    with pytest.raises(ValidationError):
        await reader.fetch("https://forge.example/a.git", semver="*", tagPrefix=prefix)


async def test_a_prefix_alone_and_two_names_are_refused(reader):
    with pytest.raises(ValidationError, match="tagPrefix belongs to semver"):
        await reader.fetch("https://forge.example/a.git", tagPrefix="web-")
    with pytest.raises(ValidationError, match="at most one of branch, tag, commit and semver"):
        await reader.fetch("https://forge.example/a.git", semver="*", branch="main")


async def test_when_nothing_is_in_the_range_the_newest_are_named(repository, server, reader):
    await _push_tags(repository, "v1.2.0", "v1.10.0", "other")

    with pytest.raises(InvalidSource, match=r"in the range >=3; the newest .* v1\.10\.0, v1\.2\.0"):
        await reader.fetch(server.url("apps"), semver=">=3")
    with pytest.raises(InvalidSource, match=r"no tag web-X\.Y\.Z .*; push a tag"):
        await reader.fetch(server.url("apps"), semver=">=3", tagPrefix="web-")


async def test_when_nothing_is_new_one_conversation_tells(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("tag", "-a", "-m", "One", "v1.0.0")
    await repository.git("push", "-q", "origin", "v1.0.0")
    artifact = await reader.fetch(server.url("apps"), semver="1.x")
    server.asked.clear()

    assert await reader.fetch(server.url("apps"), artifact, semver="1.x") is artifact
    assert dict(server.asked) == {"refs": 1, "ls-refs": 1}


async def test_a_moved_tag_is_a_new_revision(repository, server, reader):
    await _push_tags(repository, "v1.0.0")
    before = await reader.fetch(server.url("apps"), semver="1.x")
    moved = await _push_tags(repository, "v1.0.0")

    after = await reader.fetch(server.url("apps"), before, semver="1.x")

    assert before.revision != after.revision == moved
    assert after.provenance.version == "v1.0.0"


async def test_another_version_of_the_same_commit_is_told(repository, server, reader):
    await _push_tags(repository, "v1.0.0")
    before = await reader.fetch(server.url("apps"), semver="1.x")
    await repository.git("tag", "v1.0.1")
    await repository.git("push", "-q", "origin", "v1.0.1")

    after = await reader.fetch(server.url("apps"), before, semver="1.x")

    assert after.revision == before.revision
    assert after.tree is before.tree
    assert after.provenance.version == "v1.0.1"
