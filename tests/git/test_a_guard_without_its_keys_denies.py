"""What is verified is remembered by the keys; without keys, or a program, nothing is trusted."""

from __future__ import annotations

import subprocess

import pytest
from tests.git.signing import (
    EVERY,
    HEAD,
    needs_gpg,
    needs_ssh_keygen,
    signed,
)

from shoal.errors import AccessDenied, BinaryUnavailable, UntrustedRevision
from shoal_plugins.git import GitSource

pytestmark = [needs_gpg, needs_ssh_keygen]


async def test_a_verified_revision_that_stays_costs_nothing(
    repository, server, reader, people, trust, git_calls
):
    await signed(repository, people.ann)
    artifact = await reader.fetch(server.url("apps"), **EVERY)
    await reader.fetch(server.url("apps"), artifact, **EVERY)  # and the mirror is tidied
    git_calls.clear()

    assert await reader.fetch(server.url("apps"), artifact, **EVERY) is artifact
    assert git_calls == ["fetch", "log"]  # as without verify; this log describes


@pytest.mark.parametrize("pinned", [False, True])
async def test_when_the_keys_change_a_revision_is_verified_anew(
    repository, server, reader, people, trust, pinned
):
    commit = await signed(repository, people.ann)
    spec = {**HEAD, **({"commit": commit} if pinned else {})}
    artifact = await reader.fetch(server.url("apps"), **spec)

    trust(allowed_signers=people.bob.allowed_signer)

    with pytest.raises(UntrustedRevision, match="unknown"):
        await reader.fetch(server.url("apps"), artifact, **spec)
    trust(allowed_signers=people.bob.allowed_signer + people.ann.allowed_signer)
    assert await reader.fetch(server.url("apps"), artifact, **spec) is artifact


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({}, "holds no key"),
        ({"allowed_signers": b" \n"}, "holds no key"),
        ({"note": b"x"}, "holds no key"),
        ({"a.asc": b"not a key"}, "gpg cannot read"),
        ({"a.asc": b"-----BEGIN PGP PRIVATE KEY BLOCK-----"}, "holds a private key"),
        ({"a.asc": b"x" * (5 << 20)}, "bytes of keys"),
    ],
)
async def test_a_secret_without_usable_keys_denies(
    repository, server, reader, people, trust, keys, why
):
    await signed(repository, people.ann)
    trust(**keys)

    with pytest.raises(AccessDenied, match=why):
        await reader.fetch(server.url("apps"), **HEAD)


async def test_a_secret_that_is_not_there_denies(repository, server, reader, people):
    await signed(repository, people.ann)

    with pytest.raises(AccessDenied, match="default/signers is not there"):
        await reader.fetch(server.url("apps"), **HEAD)


@pytest.mark.parametrize("program", ["gpg", "ssh-keygen"])
async def test_a_missing_program_denies(
    repository, server, reader, people, trust, monkeypatch, tmp_path, program
):
    await signed(repository, people.ann)
    for each in ("git", "env", "gpg", "ssh-keygen"):
        if each != program:
            (tmp_path / "bin").mkdir(exist_ok=True)
            found = subprocess.run(["which", each], capture_output=True, text=True, check=True)
            (tmp_path / "bin" / each).symlink_to(found.stdout.strip())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    with pytest.raises(BinaryUnavailable, match=rf"{program} is not on PATH; install {program}"):
        await reader.fetch(server.url("apps"), **HEAD)


async def test_a_program_that_goes_away_denies(
    repository, server, reader, people, trust, monkeypatch, tmp_path
):
    await signed(repository, people.ann)
    await reader.fetch(server.url("apps"), **HEAD)
    await signed(repository, people.ann)
    (tmp_path / "bin").mkdir()
    for each in ("git", "env"):
        found = subprocess.run(["which", each], capture_output=True, text=True, check=True)
        (tmp_path / "bin" / each).symlink_to(found.stdout.strip())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    with pytest.raises(UntrustedRevision):
        await reader.fetch(server.url("apps"), **HEAD)


async def test_keys_that_somebody_put_into_the_cache_are_not_believed(
    repository, server, reader, people, trust
):
    await signed(repository, people.ann)
    await reader.fetch(server.url("apps"), **HEAD)
    (folder,) = (reader.host.cache_folder / "keys").iterdir()
    with (folder / "allowed_signers").open("ab") as file:
        file.write(people.bob.allowed_signer)
    await signed(repository, people.bob)
    reader.source = GitSource()

    with pytest.raises(UntrustedRevision, match="unknown"):
        await reader.fetch(server.url("apps"), **HEAD)
