"""What is secret is in no argument, environment, text or file, also while git runs and after it."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import anyio
import asyncssh
import pytest
from tests.git.authorities import TestAuthority, TlsRelay
from tests.git.connect_proxy import ConnectProxy
from tests.git.ssh_server import SshServer

from shoal.errors import ShoalError
from shoal.model.identity import Ref
from shoal_clusters.demo.git_server import Behaviour
from shoal_plugins.git import lending
from shoal_plugins.git.addresses import parse_address
from shoal_plugins.git.credentials import read_credential, read_proxy
from shoal_plugins.git.explaining import explain
from shoal_plugins.git.identities import OpenedKeys
from shoal_plugins.git.running import GitFailed, Remote

NAME = "forge.internal.example"
PASSWORD, PROXY_PASSWORD, PASSPHRASE = "canary-p@ss", "canary-pr/xy", "canary-phrase"


class Fetching(NamedTuple):
    """A fetch whose server never answers, and every secret word in it."""

    url: str
    spec: Mapping[str, object]
    words: tuple[str, ...]


@pytest.fixture(params=["in memory", "in a folder"])
def _store(request, monkeypatch):
    """Both ways of lending: files in memory, and a private folder where those do not exist."""
    if request.param == "in a folder":
        monkeypatch.setattr(lending, "IN_MEMORY", False)
    elif not lending.IN_MEMORY:
        pytest.skip("this system has no files in memory (memfd_create)")


@asynccontextmanager
async def _by_https(tmp_path, repository, server, reader) -> AsyncIterator[Fetching]:
    server.behaviour = Behaviour.HANG
    authority = TestAuthority()
    mine = authority.sign("shoal")
    target = int(server.url("apps").split(":")[2].split("/")[0])
    async with (
        TlsRelay(tmp_path, authority.sign(NAME), target, authority) as tls,
        ConnectProxy({f"{NAME}:443": tls.port}, f"li:{PROXY_PASSWORD}") as proxy,
    ):
        reader.secrets["default/login"] = {
            "username": b"li",
            "password": PASSWORD.encode(),
            "ca.crt": authority.pem,
            "tls.crt": mine.pem,
            "tls.key": mine.key,
        }
        reader.secrets["default/proxy"] = {
            "address": proxy.address.encode(),
            "username": b"li",
            "password": PROXY_PASSWORD.encode(),
        }
        spec = {"secret_ref": {"name": "login"}, "proxy_secret_ref": {"name": "proxy"}}
        key = mine.key.decode().splitlines()[1]
        words = (PASSWORD, PROXY_PASSWORD, "canary", "bGk6Y2FuYXJ5", key)
        yield Fetching(f"https://{NAME}/apps.git", spec, words)


@asynccontextmanager
async def _by_ssh(tmp_path, repository, server, reader) -> AsyncIterator[Fetching]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with SshServer(repository.bare.parent, [key]) as serving:
        serving.hangs = True
        reader.secrets["default/login"] = {
            "identity": key.export_private_key("pkcs8-pem", passphrase=PASSPHRASE),
            "password": PASSPHRASE.encode(),
            "known_hosts": serving.known_hosts,
        }
        plain = key.export_private_key("openssh").decode().splitlines()
        spec = {"secret_ref": {"name": "login"}}
        yield Fetching(serving.url("apps"), spec, (PASSPHRASE, "canary", *plain[3:-1]))


WAYS: list[Callable[..., object]] = [_by_https, _by_ssh]


def _descendants() -> Iterator[Path]:
    """The folders in /proc of everything that this process has started and that still runs."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
    for pid in parents:
        ancestor = pid
        while ancestor in parents and ancestor != os.getpid():
            ancestor = parents[ancestor]
        if ancestor == os.getpid() and pid != os.getpid():
            yield Path("/proc", str(pid))


def _programs() -> dict[str, str]:
    """Program → all its arguments and its environment, of everything that we started."""
    found = {}
    for folder in _descendants():
        try:
            arguments = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        name = arguments.split(b"\0")[0].decode()
        found[f"{name} {folder.name}"] = (arguments + environment).decode(errors="replace")
    return found


def _lent_in_memory() -> list[str]:
    links = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            links.append(os.readlink(link))
        except OSError:
            continue
    return [link for link in links if "memfd:shoal-" in link]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's /proc")
@pytest.mark.usefixtures("_store")
@pytest.mark.parametrize("way", WAYS, ids=["https", "ssh"])
async def test_no_program_shows_a_secret_and_nothing_stays(
    tmp_path, repository, server, reader, way, caplog
):
    await repository.commit({"a.yaml": "a: 1\n"})
    lent = reader.host.cache_folder / "lent"
    async with way(tmp_path, repository, server, reader) as fetching:
        last = "ssh" if fetching.url.startswith("ssh") else "git-remote-https"
        seen: dict[str, str] = {}
        was_lent: list[str] = []
        modes: set[int] = set()
        with caplog.at_level(logging.DEBUG):
            async with anyio.create_task_group() as tasks:
                fetch = lambda: reader.fetch(fetching.url, **fetching.spec)  # noqa: E731
                tasks.start_soon(fetch)
                with anyio.fail_after(20):
                    while not any(last in program.split()[0] for program in seen):
                        await anyio.sleep(0.01)
                        seen |= await anyio.to_thread.run_sync(_programs)
                was_lent = _lent_in_memory() or [str(path) for path in lent.rglob("*")]
                modes = {stat.S_IMODE(path.stat().st_mode) for path in lent.rglob("*")}
                tasks.cancel_scope.cancel()

    assert was_lent
    assert modes <= {0o700, 0o600}
    assert len(seen) >= 2
    for word in fetching.words:
        assert not [program for program, text in seen.items() if word in text], word[:6]
        assert word not in caplog.text
    assert not _lent_in_memory()
    assert not list(lent.rglob("*"))
    kept = b"".join(
        path.read_bytes() for path in reader.host.cache_folder.rglob("*") if path.is_file()
    )
    assert not [word for word in fetching.words if word.encode() in kept]


@pytest.mark.usefixtures("_store")
@pytest.mark.parametrize("way", WAYS, ids=["https", "ssh"])
async def test_nothing_is_lent_after_a_failure(tmp_path, repository, server, reader, way):
    async with way(tmp_path, repository, server, reader) as fetching:
        url, spec, _ = fetching
    # Nobody listens there any more.

    with pytest.raises(ShoalError) as failed:
        await reader.fetch(url, **spec)

    told = "".join(traceback.format_exception(failed.value))
    assert not [word for word in fetching.words if word in told]
    assert not _lent_in_memory()
    assert not list((reader.host.cache_folder / "lent").rglob("*"))


async def test_what_a_killed_process_left_is_removed_before_the_first_fetch(
    repository, server, reader, monkeypatch
):
    monkeypatch.setattr(lending, "IN_MEMORY", False)
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    left = reader.host.cache_folder / "lent" / "tmpkilled" / "identity"
    left.parent.mkdir(parents=True)
    left.write_text("canary")

    artifact = await reader.fetch(server.url("apps"), secret_ref={"name": "forge"})

    assert artifact.revision == commit
    assert not left.exists()


LENDING = """
import sys, anyio
from pathlib import Path
from shoal.testing.hosts import make_host
from shoal_plugins.git import lending
from shoal_plugins.git.addresses import parse_address
from shoal_plugins.git.credentials import Credential

async def main():
    host = make_host(Path(sys.argv[1]))
    address = parse_address("https://forge.example/apps.git")
    async with lending.lend(address, Credential("a/b", "Bearer canary"), None, host) as variables:
        print(variables["GIT_CONFIG_GLOBAL"], flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


@pytest.mark.skipif(not lending.IN_MEMORY, reason="this system has no files in memory")
def test_a_kill_leaves_nothing_where_files_are_in_memory(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", LENDING, tmp_path], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        content, mode = path.read_text(), stat.S_IMODE(path.stat().st_mode)
        process.kill()

    assert "canary" in content
    assert mode == 0o600
    assert not path.exists()
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_without_proc_a_folder_serves(tmp_path, monkeypatch):
    monkeypatch.setattr(lending.Path, "stat", _refuse)
    assert not lending._may_be_read_by_children()


def _refuse(path: Path) -> None:
    raise FileNotFoundError(path)


async def test_git_is_started_with_nothing_but_paths(reader):
    """What the docs say of git's environment: the address's protocol, constants, and paths."""
    address = parse_address("https://forge.example/apps.git")
    secret = {"token": b"canary"}
    credential = read_credential(secret, "default/forge", address, OpenedKeys())
    proxy = read_proxy({"address": b"http://p:1", "username": b"u", "password": b"canary"}, "d/p")

    async with lending.lend(address, credential, proxy, reader.host) as variables:
        content = Path(variables["GIT_CONFIG_GLOBAL"]).read_text()

    assert dict(variables) == {
        "GIT_CONFIG_GLOBAL": variables["GIT_CONFIG_GLOBAL"],
        "NO_PROXY": "",
        "no_proxy": "",
    }
    assert not Path(variables["GIT_CONFIG_GLOBAL"]).exists()
    assert '[http "https://forge.example"]' in content
    assert "canary" in content


@pytest.mark.parametrize(
    "secret",
    [
        {"token": b"canary-1/2"},
        {"bearerToken": b"canary-1/2"},
        {"username": b"li", "password": b"canary-1/2"},
    ],
)
async def test_a_server_that_repeats_what_it_was_sent_is_not_believed(reader, secret):
    address = parse_address("https://forge.example/apps.git")
    credential = read_credential(secret, "default/forge", address, OpenedKeys())
    proxy = read_proxy(
        {"address": b"http://p:1", "username": b"li", "password": b"canary-3 4"}, "default/p"
    )
    remote = Remote(address, address.text, credential, proxy)
    for words in (
        credential.authorization,
        "canary-1/2",
        "canary-1%2F2",
        proxy.url,
        "canary-3 4",
        "canary-3%204",
    ):
        error = explain(GitFailed(128, f"remote: you sent {words}, yes\n"), remote)

        assert "you sent" in str(error)
        assert "canary" not in str(error)
        assert credential.authorization.split()[1] not in str(error)
    for value in (credential, proxy, remote):
        assert "canary" not in repr(value)
        assert credential.authorization not in repr(value)


async def test_the_secret_of_another_namespace_is_not_read(server, reader):
    with pytest.raises(ShoalError, match="team/forge is not there"):
        await reader.fetch(server.url("apps"), ref=Ref("team", "web"), secret_ref={"name": "forge"})
