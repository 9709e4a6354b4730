"""A GitHub App: its key is traded for a token, which is kept, renewed and never shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.git.app_forge import APP, INSTALLATION, AppForge

from shoal.errors import AccessDenied, InvalidSource, SourceUnavailable
from shoal.model.identity import Ref
from shoal_plugins.git.installation_tokens import InstallationTokens
from shoal_plugins.git.reaching import Reaching

SECRET = {"name": "app"}


@pytest.fixture
async def forge(server, new_repository, reader) -> AsyncIterator[AppForge]:
    """The forge, and the secret `app` that fits it."""
    serving = AppForge(server)
    await serving.start()
    server.token = "nobody has this"
    reader.secrets["default/app"] = {
        "githubAppID": APP.encode() + b"\n",
        "githubAppInstallationID": INSTALLATION.encode(),
        "githubAppPrivateKey": serving.pem,
        "githubAppBaseURL": serving.base_url.encode(),
    }
    reader.source._reaching = Reaching(InstallationTokens(now=lambda: serving.now))
    yield serving
    await serving.stop()


@pytest.fixture
async def apps(new_repository):
    repository = new_repository("acme/apps")
    await repository.commit({"a.yaml": "a: 1\n"})
    return repository


async def test_the_app_s_token_opens_the_repository(apps, server, forge, reader):
    artifact = await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)

    assert await artifact.tree.read("a.yaml") == b"a: 1\n"
    assert len(forge.issued) == 1
    assert forge.bodies == [{"permissions": {"contents": "read"}}]
    assert forge.lookups == 0


async def test_the_installation_is_found_by_the_repository(apps, server, forge, reader):
    del reader.secrets["default/app"]["githubAppInstallationID"]

    await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)

    assert forge.lookups == 1


async def test_a_token_is_kept_until_shortly_before_it_expires(apps, server, forge, reader):
    url = server.url("acme/apps")
    await reader.fetch(url, secret_ref=SECRET)
    forge.now += timedelta(minutes=54)
    await reader.fetch(url, secret_ref=SECRET)
    assert len(forge.issued) == 1

    forge.now += timedelta(minutes=1)
    await reader.fetch(url, secret_ref=SECRET)

    assert len(forge.issued) == 2


async def test_many_sources_ask_for_one_token(apps, server, forge, reader):
    forge.gate = asyncio.Event()
    async with anyio.create_task_group() as tasks:
        for number in range(10):
            ref = Ref("default", f"web-{number}")
            tasks.start_soon(
                lambda ref=ref: reader.fetch(server.url("acme/apps"), ref=ref, secret_ref=SECRET)
            )
        with anyio.fail_after(10):
            while not forge.bodies:
                await asyncio.sleep(0)
        forge.gate.set()

    assert len(forge.issued) == 1


async def test_a_token_that_was_taken_back_is_traded_once(apps, server, forge, reader):
    url = server.url("acme/apps")
    await reader.fetch(url, secret_ref=SECRET)
    server.token = "revoked"  # until another one is issued

    artifact = await reader.fetch(url, secret_ref=SECRET)

    assert await artifact.tree.read("a.yaml") == b"a: 1\n"
    assert len(forge.issued) == 2


async def test_a_forge_that_refuses_every_token_is_asked_twice_and_no_more(
    apps, server, forge, reader, monkeypatch
):
    monkeypatch.setattr(server, "_is_allowed", lambda authorization: False)

    with pytest.raises(AccessDenied, match="refused the credential in secret default/app"):
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)

    assert len(forge.issued) == 2


async def test_a_rotated_key_is_used_at_the_next_fetch(apps, server, forge, reader):
    url = server.url("acme/apps")
    await reader.fetch(url, secret_ref=SECRET)
    forge.key = rsa.generate_private_key(65537, 2048)
    reader.secrets["default/app"]["githubAppPrivateKey"] = forge.pem

    await reader.fetch(url, secret_ref=SECRET)

    assert len(forge.issued) == 2


async def test_the_key_of_another_app_is_refused(apps, server, forge, reader):
    other = rsa.generate_private_key(65537, 2048)
    reader.secrets["default/app"]["githubAppPrivateKey"] = other.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )

    with pytest.raises(AccessDenied, match=f"githubAppPrivateKey is not a key of the app {APP}"):
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)


async def test_a_wrong_app_id_is_refused(apps, server, forge, reader):
    reader.secrets["default/app"]["githubAppID"] = b"999"

    with pytest.raises(AccessDenied, match="not a key of the app 999; compare githubAppID"):
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)


async def test_a_wrong_installation_id_is_refused(apps, server, forge, reader):
    reader.secrets["default/app"]["githubAppInstallationID"] = b"1"

    with pytest.raises(AccessDenied, match="has no installation 1; install the app, or correct"):
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)


async def test_an_app_that_is_not_installed_is_told(new_repository, server, forge, reader):
    await new_repository("other/apps").commit({"a.yaml": "a: 1\n"})
    del reader.secrets["default/app"]["githubAppInstallationID"]

    with pytest.raises(AccessDenied, match="is not installed on other/apps"):
        await reader.fetch(server.url("other/apps"), secret_ref=SECRET)


async def test_a_suspended_installation_is_told(apps, server, forge, reader):
    forge.is_suspended = True

    with pytest.raises(AccessDenied, match="is suspended; let an owner unsuspend it"):
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)


async def test_an_app_without_the_right_to_read_is_told(apps, server, forge, reader):
    forge.may_read = False

    with pytest.raises(AccessDenied, match="may not read contents; give the app"):
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)


@pytest.mark.parametrize(("minutes", "way"), [(20, "behind"), (-20, "ahead")])
async def test_a_clock_that_is_wrong_is_told(apps, server, forge, reader, minutes, way):
    mine = forge.now
    reader.source._reaching = Reaching(InstallationTokens(now=lambda: mine))
    forge.now += timedelta(minutes=minutes)

    with pytest.raises(AccessDenied, match=f"the clock of this machine is 1200 s {way}"):
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (503, "{}", "answered 503"),
        (403, '{"message": "API rate limit exceeded"}', "answered 403"),
        (201, "<html>", "the answer is not GitHub's; check githubAppBaseURL"),
        (201, '{"token": "x", "expires_at": "soon"}', "the answer is not GitHub's"),
        (201, "[]", "the answer is not GitHub's"),
    ],
)
async def test_an_answer_that_is_no_answer_is_tried_again(
    apps, server, forge, reader, status, text, expected
):
    forge.answer = web.Response(status=status, text=text)

    with pytest.raises(SourceUnavailable, match="no token for the GitHub App of") as failed:
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)

    assert expected in str(failed.value)


async def test_a_forge_that_is_down_is_tried_again(apps, server, forge, reader):
    reader.secrets["default/app"]["githubAppBaseURL"] = b"http://127.0.0.1:1"

    with pytest.raises(SourceUnavailable, match=r"no token .* 127\.0\.0\.1 cannot be reached"):
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)


async def test_a_redirect_of_the_forge_is_not_followed(apps, server, forge, reader):
    forge.answer = web.Response(status=302, headers={"Location": f"{forge.base_url}/elsewhere"})

    with pytest.raises(AccessDenied, match="refused with status 302"):
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)

    assert len(forge.bodies) == 1


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("https://evil.example/acme/apps.git", "", "belongs to api.github.com"),
        ("https://github.com.evil.example/acme/apps.git", "", "belongs to api.github.com"),
        (
            "https://github.com/acme/apps.git",
            "https://ghe.example/api/v3",
            "belongs to ghe.example",
        ),
        (
            "https://github.com/acme/apps.git",
            "http://ghe.example/api/v3",
            "cannot be used: http is",
        ),
        ("https://github.com/acme/apps.git", "https://a:b@ghe.example/", "cannot be used: cred"),
        ("https://github.com/apps.git", "", "no repository on GitHub; write the address"),
        ("https://github.com/a/../apps.git", "", "no repository on GitHub"),
        ("https://github.com/a%2f/apps.git", "", "no repository on GitHub"),
    ],
)
async def test_a_key_never_serves_another_server(forge, reader, url, base, expected):
    reader.secrets["default/app"]["githubAppBaseURL"] = base.encode()

    with pytest.raises(AccessDenied) as refused:
        await reader.fetch(url, secret_ref=SECRET)

    assert expected in str(refused.value)
    assert not forge.jwts


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"githubAppID": b"../.."}, "has an id that is none"),
        ({"githubAppInstallationID": b"1/2"}, "has an id that is none"),
        ({"githubAppInstallationID": b"1\n2"}, "holds a line break"),
        ({"githubAppPrivateKey": b""}, "githubAppPrivateKey of secret default/app is not an RSA"),
        ({"githubAppPrivateKey": b"canary"}, "is not an RSA private key"),
        ({"token": b"canary"}, "more than one way to log in: token, githubAppID"),
    ],
)
async def test_a_broken_secret_is_a_clear_sentence(server, forge, reader, change, expected):
    reader.secrets["default/app"] |= change

    with pytest.raises(AccessDenied) as refused:
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)

    assert expected in str(refused.value)
    assert "canary" not in str(refused.value)
    assert not forge.jwts


async def test_key_jwt_and_token_are_in_no_text(apps, server, forge, reader, caplog, tmp_path):
    with caplog.at_level(logging.DEBUG):
        await reader.fetch(server.url("acme/apps"), secret_ref=SECRET)
        with pytest.raises(InvalidSource) as failed:
            await reader.fetch(server.url("acme/apps"), branch="none", secret_ref=SECRET)

    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("host/**/*") if path.is_file())
    told = caplog.text + str(failed.value) + repr(vars(reader.source._reaching._tokens))
    for secret in (*forge.issued, *forge.jwts, forge.pem.decode().splitlines()[1]):
        assert secret not in told
        assert secret.encode() not in kept


def test_tokens_are_dated_by_the_clock_of_the_world():
    assert abs(InstallationTokens()._now() - datetime.now(UTC)) < timedelta(minutes=1)
