"""`verify`: only what a trusted key signed is handed out; everything else is refused, and why."""

from __future__ import annotations

import pytest
from tests.git.signing import (
    EVERY,
    HEAD,
    needs_gpg,
    needs_ssh_keygen,
    revoke,
    signed,
)

from shoal.errors import UntrustedRevision

pytestmark = [needs_gpg, needs_ssh_keygen]


@pytest.mark.parametrize("name", ["ann", "cleo"])
async def test_a_signed_commit_is_handed_out_with_its_signer(
    repository, server, reader, people, trust, name
):
    commit = await signed(repository, getattr(people, name))

    artifact = await reader.fetch(server.url("apps"), **HEAD)

    assert artifact.revision == commit
    assert artifact.provenance.signer.startswith(name)
    assert artifact.provenance.signer.endswith(")")


@pytest.mark.parametrize("verify", [HEAD, EVERY])
async def test_an_unsigned_commit_is_refused(repository, server, reader, trust, verify):
    await repository.commit({"a.yaml": "a: 1\n"})

    with pytest.raises(UntrustedRevision, match=r"commit \w{12} by Li Example of .* is not signed"):
        await reader.fetch(server.url("apps"), **verify)


@pytest.mark.parametrize("name", ["bob", "dan"])
async def test_an_unknown_key_is_refused(repository, server, reader, people, trust, name):
    await signed(repository, getattr(people, name))

    with pytest.raises(UntrustedRevision, match=r"signed by an? (key that is )?unknown"):
        await reader.fetch(server.url("apps"), **HEAD)


async def test_an_expired_key_is_refused(repository, server, reader, people, trust):
    trust(**{"eve.asc": people.eve.public})
    await signed(repository, people.eve)

    with pytest.raises(UntrustedRevision, match="signed by a key that has expired"):
        await reader.fetch(server.url("apps"), **HEAD)


async def test_an_expired_signature_is_refused(repository, server, reader, people, trust):
    trust(**{"gail.asc": people.gail.public})
    await signed(repository, people.gail)

    with pytest.raises(UntrustedRevision, match="signature that has expired"):
        await reader.fetch(server.url("apps"), **HEAD)


async def test_a_revoked_key_is_refused(repository, server, reader, people, trust):
    trust(**{"finn.asc": people.finn.public})
    await signed(repository, people.finn)
    artifact = await reader.fetch(server.url("apps"), **HEAD)

    trust(**{"finn.asc": revoke(people.finn)})

    assert artifact.provenance.signer.startswith("finn")
    with pytest.raises(UntrustedRevision, match="signed by a key that was revoked"):
        await reader.fetch(server.url("apps"), artifact, **HEAD)


@pytest.mark.parametrize("name", ["ann", "cleo"])
async def test_a_signature_on_other_content_is_refused(
    repository, server, reader, people, trust, name
):
    await signed(repository, getattr(people, name))
    commit = await repository.git("cat-file", "commit", "HEAD")
    forged = commit.replace("\n\nChange", "\n\nAnother") + "\n"
    made = await repository.git("hash-object", "-t", "commit", "-w", "--stdin", given=forged)
    await repository.git("push", "-q", "--force", "origin", f"{made}:refs/heads/main")

    with pytest.raises(UntrustedRevision, match="has a bad signature"):
        await reader.fetch(server.url("apps"), **HEAD)


@pytest.mark.parametrize("options", ['namespaces="file" ', 'valid-before="20200101" '])
async def test_a_key_that_may_not_sign_commits_now_is_refused(
    repository, server, reader, people, trust, options
):
    trust(allowed_signers=b"ann@example.com " + options.encode() + people.ann.public)
    await signed(repository, people.ann)

    with pytest.raises(UntrustedRevision, match=r"not allowed to sign|was not valid"):
        await reader.fetch(server.url("apps"), **HEAD)


async def test_keys_in_the_repository_and_of_the_user_count_for_nothing(
    repository, server, reader, people, trust, monkeypatch, tmp_path
):
    (tmp_path / ".gitconfig").write_text(
        f'[gpg]\n minTrustLevel = never\n[gpg "ssh"]\n allowedSignersFile = {tmp_path}/signers\n'
    )
    (tmp_path / "signers").write_bytes(people.bob.allowed_signer)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GNUPGHOME", str(people.dan.home))
    files = {
        "allowed_signers": people.bob.allowed_signer.decode(),
        ".gitconfig": "[gpg]\n program = true\n",
        "dan.asc": people.dan.public.decode(),
    }

    for person in (people.bob, people.dan):
        await repository.commit(files)
        await signed(repository, person)
        with pytest.raises(UntrustedRevision, match="unknown"):
            await reader.fetch(server.url("apps"), **HEAD)
