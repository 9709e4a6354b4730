"""`verify: {mode: Tag}`: the tag itself must be signed, and say what it is called by."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from tests.git.signing import (
    TAG,
    needs_gpg,
    needs_ssh_keygen,
    signed,
    signed_tag,
)

from shoal.errors import UntrustedRevision

pytestmark = [needs_gpg, needs_ssh_keygen]


@pytest.mark.parametrize("name", ["ann", "cleo"])
async def test_a_signed_tag_is_handed_out_also_when_its_commit_is_not_signed(
    repository, server, reader, people, trust, name
):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    await signed_tag(repository, getattr(people, name), "v1.0.0")

    by_name = await reader.fetch(server.url("apps"), tag="v1.0.0", **TAG)
    by_range = await reader.fetch(server.url("apps"), semver="1.x", **TAG)

    assert by_name.revision == by_range.revision == commit
    assert by_name.provenance.signer.startswith(name)
    assert by_name.provenance.signer == by_range.provenance.signer
    assert await reader.fetch(server.url("apps"), by_range, semver="1.x", **TAG) is by_range


@pytest.mark.parametrize(("name", "why"), [("bob", "unknown"), ("dan", "unknown")])
async def test_a_tag_by_an_unknown_key_is_refused(
    repository, server, reader, people, trust, name, why
):
    await signed(repository, people.ann)
    await signed_tag(repository, getattr(people, name), "v1.0.0")

    with pytest.raises(UntrustedRevision, match=rf"tag v1\.0\.0 of .* {why}"):
        await reader.fetch(server.url("apps"), tag="v1.0.0", **TAG)


@pytest.mark.parametrize("annotated", [(), ("-a", "-m", "one")])
async def test_a_tag_without_a_signature_is_refused(
    repository, server, reader, people, trust, annotated
):
    await signed(repository, people.ann)
    await repository.git("tag", *annotated, "v1.0.0")
    await repository.git("push", "-q", "origin", "v1.0.0")

    with pytest.raises(UntrustedRevision, match=r"tag v1\.0\.0 of .* is not signed"):
        await reader.fetch(server.url("apps"), tag="v1.0.0", **TAG)


async def test_a_tag_by_an_expired_key_is_refused(repository, server, reader, people, trust):
    trust(**{"eve.asc": people.eve.public})
    await repository.commit({"a.yaml": "a: 1\n"})
    await signed_tag(repository, people.eve, "v1.0.0")

    with pytest.raises(UntrustedRevision, match="signed by a key that has expired"):
        await reader.fetch(server.url("apps"), tag="v1.0.0", **TAG)


async def test_an_old_signed_tag_under_a_new_name_is_refused(
    repository, server, reader, people, trust
):
    await repository.commit({"a.yaml": "a: 1\n"})
    await signed_tag(repository, people.ann, "v1.0.0")
    await repository.git("push", "-q", "origin", "refs/tags/v1.0.0:refs/tags/v2.0.0")

    with pytest.raises(UntrustedRevision, match=r"tag v2\.0\.0 .* holds the signed tag v1\.0\.0"):
        await reader.fetch(server.url("apps"), semver="*", **TAG)


async def test_a_signed_tag_of_a_tag_is_refused(repository, server, reader, people, trust):
    await repository.commit({"a.yaml": "a: 1\n"})
    await repository.git("tag", "-a", "-m", "inner", "inner")
    options = (*people.ann.options, "tag", "-s", "-m", "outer", "outer", "inner")
    await repository.git(*options)
    await repository.git("push", "-q", "origin", "outer")

    with pytest.raises(UntrustedRevision, match="does not point at a commit itself"):
        await reader.fetch(server.url("apps"), tag="outer", **TAG)


async def test_mode_tag_needs_a_tag(reader):
    with pytest.raises(ValidationError, match="verify mode Tag needs a tag or semver"):
        await reader.fetch("https://forge.example/a.git", branch="main", **TAG)
