"""A proxy of the process or of one source stands before a server that only it can reach."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import ValidationError
from tests.git.authorities import TestAuthority, TlsRelay
from tests.git.connect_proxy import ConnectProxy

from shoal.errors import AccessDenied, SourceUnavailable

NAME = "forge.internal.example"
URL = f"https://{NAME}/apps.git"
SECRET = {"name": "tls"}
PROXY = {"name": "proxy"}


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch):
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def behind(tmp_path, server, reader):
    """Makes a proxy that alone knows the name of a TLS server before the git server."""
    port = int(server.url("apps").split(":")[2].split("/")[0])
    authority = TestAuthority()
    reader.secrets["default/tls"] = {"ca.crt": authority.pem}

    @asynccontextmanager
    async def make(login: str = "") -> AsyncIterator[ConnectProxy]:
        async with (
            TlsRelay(tmp_path, authority.sign(NAME), port) as tls,
            ConnectProxy({f"{NAME}:443": tls.port}, login) as proxy,
        ):
            reader.secrets["default/proxy"] = {"address": proxy.address.encode()}
            yield proxy

    return make


async def test_a_source_names_its_proxy(repository, reader, behind):
    commit = await repository.commit({"a.yaml": "a: 1\n"})

    async with behind() as proxy:
        artifact = await reader.fetch(URL, secret_ref=SECRET, proxy_secret_ref=PROXY)

    assert artifact.revision == commit
    assert set(proxy.connected) == {f"{NAME}:443"}


async def test_the_proxy_never_sees_the_login_of_the_repository(repository, server, reader, behind):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    server.token = "t0ken"
    reader.secrets["default/tls"]["token"] = b"t0ken"

    async with behind() as proxy:
        artifact = await reader.fetch(URL, secret_ref=SECRET, proxy_secret_ref=PROXY)

    assert artifact.revision == commit
    assert not [head for head in proxy.heads if "authorization" in head.lower()]


async def test_the_server_never_sees_the_login_of_the_proxy(repository, server, reader, behind):
    await repository.commit({"a.yaml": "a: 1\n"})
    server.token = "canary"  # so that the login of the proxy would open it

    async with behind("li:canary"):
        reader.secrets["default/proxy"] |= {"username": b"li", "password": b"canary"}
        with pytest.raises(AccessDenied, match=f"repository {URL} asks for a credential"):
            await reader.fetch(URL, secret_ref=SECRET, proxy_secret_ref=PROXY)


@pytest.mark.parametrize("password", ["simple", 'p@ss:w/"r\\d% #?'])
async def test_a_proxy_with_a_login_is_passed(repository, reader, behind, password):
    commit = await repository.commit({"a.yaml": "a: 1\n"})

    async with behind(f"li:{password}") as proxy:
        reader.secrets["default/proxy"] |= {
            "username": b"li\n",
            "password": f"{password}\n".encode(),
        }
        artifact = await reader.fetch(URL, secret_ref=SECRET, proxy_secret_ref=PROXY)

    assert artifact.revision == commit
    sent = base64.b64encode(f"li:{password}".encode()).decode()
    assert all(f"Basic {sent}" in head for head in proxy.heads)


async def test_a_refused_proxy_login_is_told_from_a_refused_token(
    repository, server, reader, behind
):
    await repository.commit({"a.yaml": "a: 1\n"})
    server.token = "t0ken"
    reader.secrets["default/tls"]["token"] = b"another"
    async with behind("li:right"):
        with pytest.raises(AccessDenied, match="proxy in secret default/proxy asks for a login"):
            await reader.fetch(URL, secret_ref=SECRET, proxy_secret_ref=PROXY)
        reader.secrets["default/proxy"] |= {"username": b"li", "password": b"canary-wrong"}
        with pytest.raises(AccessDenied, match="proxy in secret default/proxy refused") as refused:
            await reader.fetch(URL, secret_ref=SECRET, proxy_secret_ref=PROXY)
        assert "canary-wrong" not in str(refused.value)
        assert not server.asked
        reader.secrets["default/proxy"]["password"] = b"right"
        with pytest.raises(AccessDenied, match="refused the credential in secret default/tls"):
            await reader.fetch(URL, secret_ref=SECRET, proxy_secret_ref=PROXY)


async def test_a_proxy_that_does_not_connect_is_named(reader, behind):
    async with behind():
        url = "https://other.example/apps.git"
        with pytest.raises(
            SourceUnavailable,
            match=r"proxy in secret default/proxy does not connect to other\.example: .* 403",
        ):
            await reader.fetch(url, proxy_secret_ref=PROXY)


async def test_a_proxy_that_is_down_is_tried_again(reader, behind):
    async with behind():
        pass

    with pytest.raises(SourceUnavailable, match=r"cannot be read: .*[Cc]onnect"):
        await reader.fetch(URL, proxy_secret_ref=PROXY)


async def test_a_bad_certificate_behind_a_proxy_is_explained(reader, behind):
    async with behind():
        with pytest.raises(SourceUnavailable, match="signed by nobody who is trusted"):
            await reader.fetch(URL, proxy_secret_ref=PROXY)


async def test_the_proxy_of_the_process_holds(repository, reader, behind, monkeypatch):
    commit = await repository.commit({"a.yaml": "a: 1\n"})

    async with behind() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        artifact = await reader.fetch(URL, secret_ref=SECRET)

    assert artifact.revision == commit
    assert proxy.connected


async def test_a_login_that_the_proxy_of_the_process_wants_is_not_the_repository_s(
    reader, behind, monkeypatch
):
    async with behind("li:right") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        with pytest.raises(AccessDenied, match="proxy that HTTPS_PROXY names asks for a login"):
            await reader.fetch(URL, secret_ref=SECRET)


async def test_no_proxy_holds_for_the_proxy_of_the_process_only(
    repository, reader, behind, monkeypatch
):
    commit = await repository.commit({"a.yaml": "a: 1\n"})

    async with behind() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        monkeypatch.setenv("NO_PROXY", f"localhost,{NAME}")
        with pytest.raises(SourceUnavailable, match="Could not resolve host"):
            await reader.fetch(URL, secret_ref=SECRET)
        assert not proxy.heads

        artifact = await reader.fetch(URL, secret_ref=SECRET, proxy_secret_ref=PROXY)

    assert artifact.revision == commit


async def test_no_proxy_stands_before_this_machine(repository, server, reader, monkeypatch):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    artifact = await reader.fetch(server.url("apps"))

    assert artifact.revision == commit


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/a.git", "https://[::1]/a.git", "ssh://git@forge.example/a.git", "."]
)
async def test_a_proxy_is_for_other_machines_over_https(reader, url):
    secret = {"secret_ref": SECRET} if url.startswith("ssh") else {}

    with pytest.raises(ValidationError, match="proxySecretRef is for https addresses"):
        await reader.fetch(url, proxy_secret_ref=PROXY, **secret)


@pytest.mark.parametrize(
    "secret",
    [
        {},
        {"address": b"socks5://127.0.0.1:1"},
        {"address": b"http://li:pw@127.0.0.1:1"},
        {"address": b"http://127.0.0.1:1/path"},
        {"address": b"http://127.0.0.1:1\nhttp://evil.example"},
        {"address": b"-oProxyCommand=x"},
        {"address": b"http://127.0.0.1:1", "username": b"li"},
        {"address": b"http://127.0.0.1:1", "password": b"canary"},
        {"address": b"http://127.0.0.1:1", "username": b"l:i", "password": b"canary"},
        {"address": b"http://127.0.0.1:1", "username": b"li", "password": b"can\r\nary"},
    ],
)
async def test_a_proxy_secret_that_is_none_is_refused(reader, secret):
    reader.secrets["default/proxy"] = secret

    with pytest.raises(AccessDenied, match="secret default/proxy") as refused:
        await reader.fetch(URL, proxy_secret_ref=PROXY)

    assert "pw" not in str(refused.value)
    assert not list(reader.host.cache_folder.glob("*"))
