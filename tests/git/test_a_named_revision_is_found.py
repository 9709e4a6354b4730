"""A person names a revision to look at: a commit, a branch or a tag of the same repository."""

from __future__ import annotations

import pytest

from shoal.errors import InvalidSource
from shoal.hooks.sources import RevisedSourceType
from shoal.model.artifacts import Artifact
from shoal_plugins.git import GitSource
from shoal_plugins.git.specification import GitSpec

SPEC = {"url": "https://git.example.org/apps.git", "branch": "main", "secretRef": {"name": "forge"}}
COMMIT = "0123456789" * 4


def at(revision: str, **spec: object) -> list[dict[str, object]]:
    found = GitSource().at(GitSpec.model_validate({**SPEC, **spec}), revision)
    return [each.model_dump(by_alias=True, exclude_unset=True) for each in found]


def test_the_source_type_says_that_it_can() -> None:
    assert isinstance(GitSource(), RevisedSourceType)


def test_all_digits_of_a_commit_name_it_alone() -> None:
    rest = {key: SPEC[key] for key in ("url", "secretRef")}

    assert at(COMMIT) == [{**rest, "commit": COMMIT}]


def test_any_other_name_is_a_branch_or_else_a_tag() -> None:
    assert [each.keys() & {"branch", "tag"} for each in at("v2")] == [{"branch"}, {"tag"}]
    assert "semver" not in at("v2", branch=None, semver="1.x")[0]


@pytest.mark.parametrize("revision", ["", "-x", "a..b", "--upload-pack=x", "refs/heads/main"])
def test_what_can_be_no_name_is_refused_before_git_sees_it(revision: str) -> None:
    with pytest.raises(InvalidSource, match="no revision of this source"):
        at(revision)


def test_where_a_tag_must_be_signed_a_branch_is_not_read() -> None:
    verify = {"mode": "Tag", "secretRef": {"name": "keys"}}

    (only,) = at("v2", branch=None, tag="v1", verify=verify)
    assert only["tag"] == "v2"
    with pytest.raises(InvalidSource):
        at(COMMIT, branch=None, tag="v1", verify=verify)


async def test_a_branch_and_a_tag_are_found_by_name(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("tag", "v1.0.0")
    await repository.git("push", "-q", "origin", "v1.0.0")
    await repository.git("checkout", "-q", "-b", "topic")
    await repository.commit({"a.yaml": "a: 2\n"})
    head = await reader.fetch(server.url("apps"), branch="main")

    async def content(revision: str) -> bytes:
        spec = GitSpec.model_validate({"url": server.url("apps"), "branch": "main"})
        return await (await first_that_is_there(reader, spec, revision, head)).tree.read("a.yaml")

    assert await content("topic") == b"a: 2\n"
    assert await content("v1.0.0") == b"a: 1\n"
    assert await content(head.revision) == b"a: 1\n"
    assert await reader.fetch(server.url("apps"), head, branch="main") is head


async def first_that_is_there(reader, spec: GitSpec, revision: str, head: Artifact) -> Artifact:
    for each in reader.source.at(spec, revision):
        try:
            return await reader.source.fetch(head.source, each, head, reader.host)
        except InvalidSource:
            continue
    raise AssertionError(f"no {revision}")
