"""TLS with an authority of one's own: trusted for one source, and every refusal says why."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from tests.git.authorities import TestAuthority, TlsRelay

from shoal.errors import AccessDenied, SourceUnavailable
from shoal_plugins.git import certificates
from shoal_plugins.git.addresses import parse_address
from shoal_plugins.git.explaining import explain
from shoal_plugins.git.running import GitFailed, Remote

SECRET = {"name": "tls"}
Relay = Callable[..., AbstractAsyncContextManager[TlsRelay]]


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
def relay(tmp_path, server, authority, reader) -> Relay:
    """Makes a TLS server before the git server, with a certificate as asked for."""
    reader.secrets["default/tls"] = {"ca.crt": authority.pem}
    port = int(server.url("apps").split(":")[2].split("/")[0])

    def make(
        *names: str, clients: TestAuthority | None = None, **valid: int
    ) -> AbstractAsyncContextManager[TlsRelay]:
        signed = authority.sign(*(names or ("127.0.0.1",)), **valid)
        return TlsRelay(tmp_path, signed, port, clients)

    return make


async def test_the_authority_in_the_secret_is_trusted(repository, reader, relay):
    commit = await repository.commit({"a.yaml": "a: 1\n"})

    async with relay() as tls:
        artifact = await reader.fetch(tls.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


async def test_it_is_trusted_by_this_source_only(repository, reader, relay):
    await repository.commit({"a.yaml": "a: 1\n"})

    async with relay() as tls:
        await reader.fetch(tls.url("apps"), secret_ref=SECRET)
        with pytest.raises(SourceUnavailable, match="signed by nobody who is trusted"):
            await reader.fetch(tls.url("apps"))


async def test_a_token_beside_it_is_sent(repository, server, reader, relay):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    server.token = "t0ken"
    async with relay() as tls:
        with pytest.raises(AccessDenied, match="asks for a credential and none is given"):
            await reader.fetch(tls.url("apps"), secret_ref=SECRET)
        reader.secrets["default/tls"]["token"] = b"t0ken"

        artifact = await reader.fetch(tls.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


async def test_an_unknown_authority_is_refused_and_said_how_to_trust(reader, relay):
    reader.secrets["default/tls"]["ca.crt"] = TestAuthority().pem

    async with relay() as tls:
        with pytest.raises(SourceUnavailable, match=r"nobody who is trusted; put .* as ca\.crt"):
            await reader.fetch(tls.url("apps"), secret_ref=SECRET)


async def test_an_expired_certificate_is_called_expired(reader, relay):
    async with relay(since=-30, until=-1) as tls:
        with pytest.raises(SourceUnavailable, match="its certificate has expired; renew it"):
            await reader.fetch(tls.url("apps"), secret_ref=SECRET)


async def test_a_certificate_of_tomorrow_is_not_valid_yet(reader, relay):
    async with relay(since=1, until=9) as tls:
        with pytest.raises(SourceUnavailable, match="not valid yet; compare the clocks"):
            await reader.fetch(tls.url("apps"), secret_ref=SECRET)


async def test_a_certificate_for_another_name_is_refused(reader, relay):
    async with relay("forge.example") as tls:
        with pytest.raises(SourceUnavailable, match="its certificate is for another name"):
            await reader.fetch(tls.url("apps"), secret_ref=SECRET)


async def test_plain_http_behind_https_is_called_that(server, reader, relay):
    url = server.url("apps").replace("http://", "https://")

    with pytest.raises(SourceUnavailable, match="answers in plain text where TLS was expected"):
        await reader.fetch(url, secret_ref=SECRET)


async def test_https_behind_http_is_called_that(reader, relay):
    async with relay() as tls:
        with pytest.raises(SourceUnavailable, match="gives no answer in plain http; is it https"):
            await reader.fetch(tls.url("apps").replace("https://", "http://"))


async def test_a_client_certificate_opens_the_server(repository, reader, relay):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    clients = TestAuthority()
    mine = clients.sign("shoal")
    reader.secrets["default/tls"] |= {"tls.crt": mine.pem, "tls.key": mine.key}

    async with relay(clients=clients) as tls:
        artifact = await reader.fetch(tls.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


async def test_a_missing_client_certificate_is_asked_for(repository, reader, relay):
    await repository.commit({"a.yaml": "a: 1\n"})

    async with relay(clients=TestAuthority()) as tls:
        with pytest.raises(
            SourceUnavailable, match=r"asks for a client certificate|may want a client certificate"
        ):
            await reader.fetch(tls.url("apps"), secret_ref=SECRET)


async def test_a_foreign_client_certificate_is_refused(repository, reader, relay):
    await repository.commit({"a.yaml": "a: 1\n"})
    mine = TestAuthority().sign("shoal")
    reader.secrets["default/tls"] |= {"tls.crt": mine.pem, "tls.key": mine.key}

    async with relay(clients=TestAuthority()) as tls:
        with pytest.raises(SourceUnavailable, match="client certificate"):
            await reader.fetch(tls.url("apps"), secret_ref=SECRET)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ca.crt": b"nonsense"}, "ca.crt of secret default/tls holds no certificate"),
        ({"tls.crt": b"x"}, "holds only one of tls.crt and tls.key"),
        ({"tls.key": b"x"}, "holds only one of tls.crt and tls.key"),
        ({"tls.crt": b"x", "tls.key": b"y"}, "tls.crt of secret default/tls holds no certificate"),
        ({"username": b"li"}, "holds no usable Git credential"),
    ],
)
async def test_a_broken_secret_is_a_clear_sentence(reader, relay, change, expected):
    reader.secrets["default/tls"] |= change

    async with relay() as tls:
        with pytest.raises(AccessDenied) as refused:
            await reader.fetch(tls.url("apps"), secret_ref=SECRET)

    assert expected in str(refused.value)
    assert tls.connections == 0


async def test_a_key_of_another_certificate_is_found_before_git_runs(reader, relay, authority):
    one, other = authority.sign("shoal"), authority.sign("shoal")
    reader.secrets["default/tls"] |= {"tls.crt": one.pem, "tls.key": other.key}

    async with relay() as tls:
        with pytest.raises(AccessDenied, match=r"not the key of the certificate in tls\.crt"):
            await reader.fetch(tls.url("apps"), secret_ref=SECRET)


async def test_a_locked_key_of_a_client_certificate_is_refused(reader, relay, authority):
    mine = authority.sign("shoal")
    locked = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"
    reader.secrets["default/tls"] |= {"tls.crt": mine.pem, "tls.key": locked}

    async with relay() as tls:
        with pytest.raises(AccessDenied, match=r"tls\.key of secret .* without a passphrase"):
            await reader.fetch(tls.url("apps"), secret_ref=SECRET)


async def test_the_authorities_of_the_system_stay_trusted(
    repository, reader, relay, authority, monkeypatch, tmp_path
):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    bundle = tmp_path / "system.crt"
    bundle.write_bytes(authority.pem)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(bundle))
    reader.secrets["default/tls"]["ca.crt"] = TestAuthority().pem

    async with relay() as tls:
        artifact = await reader.fetch(tls.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


def test_a_system_without_a_bundle_adds_nothing(monkeypatch):
    monkeypatch.delenv("GIT_SSL_CAINFO", raising=False)
    monkeypatch.setattr(certificates, "_BUNDLES", ())
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: type("None", (), {"cafile": None}))

    assert certificates.system_authorities() == b""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("SSL certificate problem: certificate has expired", "has expired"),
        ("SSL certificate problem: certificate is not yet valid", "not valid yet"),
        ("SSL certificate problem: self-signed certificate in certificate chain", "trusted"),
        ("SSL certificate problem: unable to get local issuer certificate", "trusted"),
        (
            "SSL: no alternative certificate subject name matches target host name 'forge.example'",
            "for another name",
        ),
        ("error:0A00010B:SSL routines::wrong version number", "plain text"),
        ("OpenSSL SSL_read: error:0A00045C: tlsv13 alert certificate required", "asks for a cl"),
        ("error:0A000410:SSL routines::sslv3 alert handshake failure", "ended the TLS conn"),
    ],
)
def test_the_words_of_openssl_are_known_too(said, expected):
    remote = Remote(parse_address("https://forge.example/apps.git"), "")
    failure = GitFailed(128, f"fatal: unable to access 'https://forge.example/apps.git/': {said}")

    error = explain(failure, remote)

    assert isinstance(error, SourceUnavailable)
    assert expected in error.message
