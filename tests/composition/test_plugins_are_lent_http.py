"""What a plugin asks of the network goes through one client, under rules that it cannot change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from aiohttp import web
from tests.git.authorities import TestAuthority, TlsRelay
from tests.git.connect_proxy import ConnectProxy

from shoal.composition.requesting import HttpClient
from shoal.errors import BudgetExceeded, HttpFailed, Permanent
from shoal.hooks.host import HttpRequest
from shoal.testing.hosts import run_in_thread

NAME = "api.internal.example"


class Asked(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Api:
    """A server on loopback that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.append(Asked(request.method, request.path, dict(request.headers), body))
        if request.path == "/elsewhere":
            return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
        if request.path == "/large":
            return web.Response(body=b"x" * 5000)
        if request.path in ("/closed", "/cut"):
            assert request.transport is not None
            if request.path == "/cut":
                request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
            request.transport.close()
        if request.path == "/silent":
            await asyncio.Event().wait()
        return web.Response(status=201, text="made", headers={"X-Fact": "yes"})

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch):
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    serving = Api()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", serving.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    serving.port = runner.addresses[0][1]
    yield serving
    await runner.cleanup()


@pytest.fixture
def client() -> HttpClient:
    return HttpClient(run_in_thread)


def get(url: str, **more: object) -> HttpRequest:
    return HttpRequest(method="GET", url=url, **more)  # type: ignore[arg-type]


async def test_a_request_is_sent_as_it_is_and_any_status_is_an_answer(api, client):
    answer = await client.request(
        HttpRequest(method="POST", url=api.url("/a"), headers={"X-One": "1"}, body=b"given")
    )

    assert (answer.status, answer.body, answer.headers["x-fact"]) == (201, b"made", "yes")
    assert api.asked[0][:2] == ("POST", "/a")
    assert api.asked[0].headers["X-One"] == "1"
    assert api.asked[0].headers["User-Agent"].startswith("shoal/")
    assert api.asked[0].body == b"given"


async def test_a_redirect_is_an_answer_and_not_followed(api, client):
    answer = await client.request(get(api.url("/elsewhere"), headers={"Authorization": "x"}))

    assert answer.status == 302
    assert len(api.asked) == 1


async def test_an_answer_that_is_too_large_is_cut_off(api, client):
    with pytest.raises(BudgetExceeded, match=r"127\.0\.0\.1 answered with more than 100 bytes"):
        await client.request(get(api.url("/large"), most_bytes=100))


async def test_a_server_that_says_nothing_is_given_up(api, client):
    with pytest.raises(HttpFailed, match=r"did not answer within 0\.2 s"):
        await client.request(get(api.url("/silent"), deadline_seconds=0.2))


@pytest.mark.parametrize(
    ("path", "said"),
    [("/closed", "it closed the connection without an answer"), ("/cut", "its answer ended too")],
)
async def test_a_server_that_hangs_up_is_told_in_words(api, client, path, said):
    with pytest.raises(HttpFailed, match=said):
        await client.request(get(api.url(path)))


async def test_a_server_that_is_not_there_is_named_without_path_or_header(client):
    request = get("http://127.0.0.1:1/canary?canary", headers={"Authorization": "canary"})

    with pytest.raises(
        HttpFailed, match=r"127\.0\.0\.1 cannot be reached: connection refused$"
    ) as failed:
        await client.request(request)

    assert "canary" not in f"{failed.value} {request!r}"


@pytest.mark.parametrize(
    "url", ["http://example.org/", "ftp://127.0.0.1/", "https://li:pw@example.org/", "https:///x"]
)
async def test_an_address_against_the_rules_is_a_bug_of_the_plugin(client, url):
    with pytest.raises(Permanent) as refused:
        await client.request(get(url))

    assert "pw" not in str(refused.value)


async def test_an_authority_is_trusted_for_the_request_that_brings_it(tmp_path, api, client):
    authority = TestAuthority()
    async with TlsRelay(tmp_path, authority.sign("127.0.0.1"), api.port) as tls:
        url = f"https://127.0.0.1:{tls.port}/a"

        answer = await client.request(get(url, authority=authority.pem))

        assert answer.status == 201
        with pytest.raises(HttpFailed, match=r"its certificate is refused: .*issuer"):
            await client.request(get(url))


async def test_an_expired_certificate_is_called_expired(tmp_path, api, client):
    authority = TestAuthority()
    signed = authority.sign("127.0.0.1", since=-9, until=-1)
    async with TlsRelay(tmp_path, signed, api.port) as tls:
        url = f"https://127.0.0.1:{tls.port}/a"
        with pytest.raises(HttpFailed, match="refused: certificate has expired"):
            await client.request(get(url, authority=authority.pem))


@pytest.mark.parametrize("is_given", [True, False], ids=["by the request", "by the process"])
async def test_a_proxy_is_passed(tmp_path, api, client, monkeypatch, is_given):
    authority = TestAuthority()
    async with (
        TlsRelay(tmp_path, authority.sign(NAME), api.port) as tls,
        ConnectProxy({f"{NAME}:443": tls.port}, "li:p@ss") as proxy,
    ):
        url = proxy.address.replace("http://", "http://li:p%40ss@")
        if not is_given:
            monkeypatch.setenv("HTTPS_PROXY", url)
        request = get(f"https://{NAME}/a", authority=authority.pem, proxy=url if is_given else "")

        answer = await client.request(request)

    assert answer.status == 201
    assert proxy.connected == [f"{NAME}:443"]
    assert "p%40ss" not in repr(request)


async def test_a_refused_login_of_the_proxy_is_told(client):
    async with ConnectProxy({}, "li:right") as proxy:
        url = proxy.address.replace("http://", "http://li:canary@")
        with pytest.raises(HttpFailed, match=f"proxy before {NAME} .* 407") as failed:
            await client.request(get(f"https://{NAME}/a", proxy=url))

    assert "canary" not in str(failed.value)


async def test_no_proxy_stands_before_this_machine(api, client, monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    answer = await client.request(get(api.url("/a"), proxy="http://127.0.0.1:1"))

    assert answer.status == 201


async def test_hosts_of_no_proxy_are_asked_directly(client, monkeypatch):
    async with ConnectProxy({}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        monkeypatch.setenv("NO_PROXY", "forge.invalid")
        with pytest.raises(HttpFailed, match=r"forge\.invalid cannot be reached"):
            await client.request(get("https://forge.invalid/a"))

    assert not proxy.heads
