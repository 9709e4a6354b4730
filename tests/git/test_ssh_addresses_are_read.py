"""A repository is read by ssh with a key and known hosts, and with nothing less."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import subprocess
from collections.abc import AsyncIterator

import anyio
import asyncssh
import pytest
from pydantic import ValidationError
from tests.git.ssh_server import ALGORITHMS, SshServer

from shoal.errors import AccessDenied, BinaryUnavailable, InvalidSource, SourceUnavailable
from shoal_plugins.git import identities
from shoal_plugins.git.ssh import ssh_variables

SECRET = {"name": "key"}


@pytest.fixture(scope="module")
def key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
async def ssh_server(repository, key, reader) -> AsyncIterator[SshServer]:
    """A server that trusts `key`, and the secret `key` that fits it."""
    async with SshServer(repository.bare.parent, [key]) as serving:
        reader.secrets["default/key"] = {
            "identity": key.export_private_key(),
            "known_hosts": serving.known_hosts,
        }
        yield serving


async def test_a_key_opens_the_repository(repository, ssh_server, reader):
    commit = await repository.commit({"a.yaml": "a: 1\n"})

    artifact = await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit
    assert await artifact.tree.read("a.yaml") == b"a: 1\n"
    assert set(ssh_server.users) == {"git"}


async def test_what_is_new_is_fetched_by_ssh_too(repository, ssh_server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    url = ssh_server.url("apps")
    first = await reader.fetch(url, secret_ref=SECRET)
    commit = await repository.commit({"a.yaml": "a: 2\n"})

    second = await reader.fetch(url, first, secret_ref=SECRET)
    third = await reader.fetch(url, second, secret_ref=SECRET)

    assert second.revision == commit
    assert third is second
    assert len(ssh_server.commands) == 3  # one conversation each


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
async def test_every_usual_key_is_taken_in_every_usual_form(
    repository, ssh_server, reader, algorithm, form
):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    key = asyncssh.generate_private_key(algorithm)
    ssh_server.authorized.append(key)
    # Without the line feed at the end, as a secret store may hand it over.
    identity = key.export_private_key(form).strip().replace(b"\n", b"\r\n")
    reader.secrets["default/key"]["identity"] = identity

    artifact = await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
async def test_a_key_is_opened_by_its_passphrase(repository, ssh_server, reader, key, form):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    secret = reader.secrets["default/key"]
    secret["identity"] = key.export_private_key(form, passphrase="canary-pass")

    with pytest.raises(AccessDenied, match=r"locked by a passphrase.*the key password"):
        await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)
    secret["password"] = b"another"
    with pytest.raises(AccessDenied, match="cannot be opened with the passphrase"):
        await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)
    secret["password"] = b"canary-pass\n"
    artifact = await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


async def test_a_key_is_opened_once_and_anew_when_the_passphrase_is_another(key, monkeypatch):
    opened: list[bytes] = []
    load = identities._load
    monkeypatch.setattr(identities, "_load", lambda *given: opened.append(given[2]) or load(*given))
    pem, keys = key.export_private_key("pkcs8-pem", passphrase="right"), identities.OpenedKeys()

    one, two = (keys.open(pem, b"right", "default/key") for _ in range(2))
    with pytest.raises(AccessDenied):
        keys.open(pem, b"wrong", "default/key")

    assert one == two
    assert opened == [b"right", b"wrong"]
    assert b"right" not in repr(vars(keys)).encode()


async def test_a_passphrase_of_a_key_that_has_none_is_no_mistake(repository, ssh_server, reader):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    reader.secrets["default/key"]["password"] = b"not needed"

    artifact = await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


@pytest.mark.parametrize("identity", [b"", b"  \n", b"nonsense", b"ssh-ed25519 AAAA li@example"])
async def test_what_is_no_private_key_is_refused(ssh_server, reader, identity):
    reader.secrets["default/key"]["identity"] = identity

    with pytest.raises(
        AccessDenied, match=r"default/key .*identity|identity of secret default/key"
    ):
        await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)

    assert not ssh_server.users


async def test_known_hosts_cannot_be_left_out(ssh_server, reader):
    for known_hosts in (b"", b"# nothing but a remark\n"):
        reader.secrets["default/key"]["known_hosts"] = known_hosts

        with pytest.raises(AccessDenied, match=r"has no known_hosts.*impostor") as refused:
            await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)

        assert f"ssh-keyscan -p {ssh_server.port} 127.0.0.1" in refused.value.next_step
    assert not ssh_server.users


async def test_a_line_of_known_hosts_that_is_none_is_counted(ssh_server, reader):
    reader.secrets["default/key"]["known_hosts"] += b"\ngithub.com ssh-ed25519\n"

    with pytest.raises(AccessDenied, match="line 2 of known_hosts in secret default/key is not"):
        await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)


async def test_hashed_known_hosts_work(repository, ssh_server, reader):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    name, _, rest = ssh_server.known_hosts.partition(b" ")
    salt = os.urandom(20)
    digest = hmac.digest(salt, name, hashlib.sha1)
    hashed = b"|1|%s|%s " % (base64.b64encode(salt), base64.b64encode(digest))
    reader.secrets["default/key"]["known_hosts"] = hashed + rest

    artifact = await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


async def test_an_unknown_host_is_refused(ssh_server, reader):
    known = b"forge.example " + ssh_server.host_key.export_public_key()
    reader.secrets["default/key"]["known_hosts"] = known

    with pytest.raises(AccessDenied, match="known_hosts in secret default/key holds no key of"):
        await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)

    assert not ssh_server.users


async def test_a_changed_host_key_is_refused_until_a_person_replaces_it(
    repository, ssh_server, reader
):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    await ssh_server.stop()
    ssh_server.host_key = asyncssh.generate_private_key("ssh-ed25519")
    await ssh_server.start()

    for _ in range(2):
        with pytest.raises(AccessDenied, match="shows another host key than known_hosts"):
            await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)
    assert not ssh_server.users
    reader.secrets["default/key"]["known_hosts"] = ssh_server.known_hosts

    artifact = await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


async def test_a_revoked_host_key_is_refused(ssh_server, reader):
    secret = reader.secrets["default/key"]
    secret["known_hosts"] = b"@revoked " + ssh_server.known_hosts + secret["known_hosts"]

    with pytest.raises(AccessDenied, match=r"a host key that known_hosts in secret .* revokes"):
        await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)


async def test_a_key_that_the_server_does_not_know_is_refused(ssh_server, reader):
    other = asyncssh.generate_private_key("ssh-ed25519")
    reader.secrets["default/key"]["identity"] = other.export_private_key()

    with pytest.raises(AccessDenied, match="refused the ssh key in secret default/key"):
        await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)


async def test_the_user_s_own_keys_agent_and_configuration_are_not_used(
    ssh_server, reader, key, monkeypatch, tmp_path
):
    witness = tmp_path / "witness"
    folder = tmp_path / ".ssh"
    folder.mkdir(mode=0o700)
    key.write_private_key(folder / "id_ed25519")
    (folder / "id_ed25519").chmod(0o600)
    (folder / "config").write_text(f"Host *\n  ProxyCommand touch {witness}\n")
    agent = await anyio.to_thread.run_sync(_start_agent)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent["SSH_AUTH_SOCK"])
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {witness}; ssh")
        monkeypatch.setenv("SSH_ASKPASS", f"touch {witness}")
        monkeypatch.setenv("DISPLAY", ":0")
        await anyio.run_process(["ssh-add", "-q", str(folder / "id_ed25519")])
        other = asyncssh.generate_private_key("ssh-ed25519")
        reader.secrets["default/key"]["identity"] = other.export_private_key()

        with pytest.raises(AccessDenied, match="refused the ssh key"):
            await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)
    finally:
        os.kill(int(agent["SSH_AGENT_PID"]), 15)

    assert not witness.exists()


def _start_agent() -> dict[str, str]:
    printed = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    parts = (word.partition("=") for word in printed.replace(";", "\n").splitlines())
    return {name.strip(): value for name, separator, value in parts if separator}


async def test_a_repository_that_is_not_there_is_told_from_a_key_without_rights(ssh_server, reader):
    with pytest.raises(InvalidSource, match="there is no Git repository at ssh://git@127"):
        await reader.fetch(ssh_server.url("other"), secret_ref=SECRET)


async def test_a_server_that_is_down_is_tried_again(repository, ssh_server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    artifact = await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)
    await ssh_server.stop()

    with pytest.raises(SourceUnavailable, match=r"cannot be reached by ssh: .*connection refused"):
        await reader.fetch(ssh_server.url("apps"), artifact, secret_ref=SECRET)

    await ssh_server.start()
    assert await reader.fetch(ssh_server.url("apps"), artifact, secret_ref=SECRET) is artifact


async def test_a_name_that_nobody_knows_is_tried_again(reader, ssh_server):
    with pytest.raises(SourceUnavailable, match="by ssh: could not resolve hostname"):
        await reader.fetch("git@forge.invalid:team/apps.git", secret_ref=SECRET)


async def test_without_ssh_the_sentence_says_what_to_install(ssh_server, reader, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)

    with pytest.raises(BinaryUnavailable, match=r"ssh is not on PATH.*install OpenSSH"):
        await reader.fetch(ssh_server.url("apps"), secret_ref=SECRET)


@pytest.mark.parametrize("url", ["ssh://git@forge.example/apps.git", "git@forge.example:apps.git"])
async def test_an_ssh_address_without_a_secret_is_refused_as_a_document(reader, url):
    with pytest.raises(ValidationError, match="an ssh address needs secretRef"):
        await reader.fetch(url)


async def test_the_secret_of_https_does_not_open_ssh(reader, ssh_server):
    with pytest.raises(AccessDenied, match="default/forge has no known_hosts"):
        await reader.fetch(ssh_server.url("apps"), secret_ref={"name": "forge"})


def test_every_option_that_could_weaken_ssh_is_fixed():
    command = ssh_variables("/proc/1/fd/7", "/proc/1/fd/8")["GIT_SSH_COMMAND"]

    printed = subprocess.run(
        [*command.split(), "-G", "forge.example"], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    for line in (
        "batchmode yes",
        "stricthostkeychecking true",
        "identitiesonly yes",
        "forwardagent no",
        "permitlocalcommand no",
        "identityagent none",
        "identityfile /proc/1/fd/7",
        "userknownhostsfile /proc/1/fd/8",
        "globalknownhostsfile none",
        "updatehostkeys false",
        "controlmaster false",
        "clearallforwardings yes",
        "forwardx11 no",
    ):
        assert line in printed
    assert not any(line.startswith(("proxycommand", "proxyjump", "sendenv")) for line in printed)
