"""`verify`: only what a trusted key signed is handed out; everything else is refused, and why."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError
from tests.git.signing import (
    end_agent,
    expired_gpg_person,
    gpg_person,
    lapsed_gpg_person,
    needs_gpg,
    needs_ssh_keygen,
    revoke,
    ssh_person,
)

from shoal.errors import AccessDenied, BinaryUnavailable, UntrustedRevision
from shoal.model.identity import Ref
from shoal_plugins.git import GitSource, running, verifying

pytestmark = [needs_gpg, needs_ssh_keygen]
HEAD = {"verify": {"secretRef": {"name": "signers"}}}
TAG = {"verify": {"mode": "Tag", "secretRef": {"name": "signers"}}}
EVERY = {"verify": {"mode": "EveryCommit", "secretRef": {"name": "signers"}}}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Ann and Bob have SSH keys, Cleo and Dan OpenPGP keys, Eve's key expired, Finn's is revoked,
    and Gail's signatures have expired.

    Below `/tmp`, because the socket of gpg's agent has a short name or none.
    """
    folder = Path(tmp_path_factory.mktemp("p", numbered=True))
    known = SimpleNamespace(
        ann=ssh_person(folder, "ann"),
        bob=ssh_person(folder, "bob"),
        cleo=gpg_person(folder, "cleo"),
        dan=gpg_person(folder, "dan"),
        eve=expired_gpg_person(folder, "eve"),
        finn=gpg_person(folder, "finn"),
        gail=lapsed_gpg_person(folder, "gail"),
    )
    yield known
    for person in vars(known).values():
        end_agent(person.home)


@pytest.fixture
def trust(reader, people):
    """Puts keys into the secret `signers`; Ann and Cleo are trusted at first."""

    def put(**keys: bytes) -> None:
        reader.secrets["default/signers"] = keys

    put(allowed_signers=people.ann.allowed_signer, **{"cleo.asc": people.cleo.public})
    return put


async def signed(repository, person, message: str = "Change", *options: str) -> str:
    """A pushed commit that a person signed."""
    options = (*person.options, "commit", "-q", "-S", "--allow-empty", "-m", message, *options)
    await repository.git(*options)
    await repository.git("push", "-q", "--force", "origin", "HEAD")
    return await repository.git("rev-parse", "HEAD")


async def signed_tag(repository, person, name: str) -> None:
    await repository.git(*person.options, "tag", "-s", "--force", "-m", name, name)
    await repository.git("push", "-q", "--force", "origin", name)


@pytest.fixture
def git_calls(monkeypatch):
    """The git commands that were started, by name."""
    names: list[str] = []
    start = running._start

    def noted(argv, *rest):
        names.append(argv[1])
        return start(argv, *rest)

    monkeypatch.setattr(running, "_start", noted)
    return names


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


async def test_mode_tag_needs_a_tag(reader):
    with pytest.raises(ValidationError, match="verify mode Tag needs a tag or semver"):
        await reader.fetch("https://forge.example/a.git", branch="main", **TAG)
