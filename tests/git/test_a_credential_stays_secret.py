"""A token reaches the server and nothing else: no argv, URL, error, file of the mirror or log."""

from __future__ import annotations

import logging
import os
import traceback
from base64 import b64decode

import pytest
from pydantic import ValidationError

from shoal.errors import AccessDenied
from shoal_clusters.demo.git_server import Behaviour
from shoal_plugins.git import running

CANARY = "canary-5f1d"
SECRET = {"name": "forge"}


async def test_a_token_opens_the_repository(repository, server, reader):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    server.token = CANARY

    artifact = await reader.fetch(server.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


async def test_a_user_name_and_password_open_it_too(repository, server, reader):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    server.token = "päss:word"
    reader.secrets["default/forge"] = {
        "username": b"li",
        "password": "päss:word".encode(),
    }

    artifact = await reader.fetch(server.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit


@pytest.mark.parametrize(
    ("secret", "sent"),
    [
        # GitHub, Gitea, Forgejo and GitLab take any user name with a token.
        ({"token": b"t0ken"}, "Basic x-access-token:t0ken"),
        # GitLab's deploy tokens and Bitbucket's app passwords belong to a name.
        ({"username": b"deploy", "token": b"t0ken"}, "Basic deploy:t0ken"),
        ({"username": b"x-token-auth", "password": b"t0ken"}, "Basic x-token-auth:t0ken"),
        # Azure DevOps with a personal token; the name may be anything.
        ({"username": b"any", "password": b"t0ken"}, "Basic any:t0ken"),
        # Bitbucket Data Center, and Azure DevOps with a token of Entra.
        ({"bearerToken": b"t0ken\n"}, "Bearer t0ken"),
    ],
)
async def test_forges_are_sent_what_they_want(repository, server, reader, secret, sent):
    commit = await repository.commit({"a.yaml": "a: 1\n"})
    server.token = "t0ken"
    seen = set()
    is_allowed = server._is_allowed

    def noted(authorization: str) -> bool:
        scheme, _, value = authorization.partition(" ")
        seen.add(f"{scheme} {b64decode(value).decode() if scheme == 'Basic' else value}")
        return is_allowed(authorization)

    server._is_allowed = noted
    reader.secrets["default/forge"] = secret

    artifact = await reader.fetch(server.url("apps"), secret_ref=SECRET)

    assert artifact.revision == commit
    assert seen == {sent}


@pytest.mark.parametrize(
    "secret",
    [
        {"token": b"a", "bearerToken": b"b"},
        {"token": b"a", "username": b"li", "password": b"b"},
        {"bearerToken": b"a", "username": b"li", "password": b"b"},
    ],
)
async def test_two_ways_to_log_in_are_one_too_many(server, reader, secret):
    reader.secrets["default/forge"] = secret

    with pytest.raises(AccessDenied, match="default/forge holds more than one way to log in"):
        await reader.fetch(server.url("apps"), secret_ref=SECRET)

    assert not server.asked


async def test_a_user_name_alone_is_no_credential(server, reader):
    reader.secrets["default/forge"] = {"username": b"li"}

    with pytest.raises(AccessDenied, match="default/forge holds no usable Git credential"):
        await reader.fetch(server.url("apps"), secret_ref=SECRET)


async def test_a_rotated_token_works_at_the_next_fetch(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    server.token = "new"
    with pytest.raises(AccessDenied):
        await reader.fetch(server.url("apps"), secret_ref=SECRET)
    reader.secrets["default/forge"] = {"token": b"new"}

    artifact = await reader.fetch(server.url("apps"), secret_ref=SECRET)

    assert await artifact.tree.read("a.yaml") == b"a: 1\n"


async def test_a_wrong_token_names_the_secret_and_not_its_value(repository, server, reader, caplog):
    await repository.commit({"a.yaml": "a: 1\n"})
    server.token = "another"

    with caplog.at_level(logging.DEBUG), pytest.raises(AccessDenied) as refused:
        await reader.fetch(server.url("apps"), secret_ref=SECRET)

    assert "refused the credential in secret default/forge" in str(refused.value)
    told = "".join(traceback.format_exception(refused.value)) + caplog.text
    assert CANARY not in told
    assert "Authorization" not in told


async def test_a_missing_credential_says_how_to_give_one(repository, server, reader):
    server.token = "any"

    with pytest.raises(AccessDenied, match=r"asks for a credential.*secretRef"):
        await reader.fetch(server.url("apps"))


async def test_a_secret_without_the_keys_is_refused(repository, server, reader):
    with pytest.raises(AccessDenied, match="default/empty holds no usable Git credential"):
        await reader.fetch(server.url("apps"), secret_ref={"name": "empty"})


async def test_another_source_of_the_mirror_needs_its_own_credential(repository, server, reader):
    await repository.commit({"a.yaml": "a: 1\n"})
    server.token = CANARY
    artifact = await reader.fetch(server.url("apps"), secret_ref=SECRET)

    for wanted in ({"branch": "main"}, {"commit": artifact.revision}):
        with pytest.raises(AccessDenied):
            await reader.fetch(server.url("apps"), **wanted)


async def test_a_token_is_in_no_argument_and_no_file(
    repository, server, reader, monkeypatch, tmp_path
):
    started: list[list[str]] = []
    start = running._start

    def noted(argv, *rest):
        started.append(argv)
        return start(argv, *rest)

    monkeypatch.setattr(running, "_start", noted)
    await repository.commit({"a.yaml": "a: 1\n"})
    server.token = CANARY
    await reader.fetch(server.url("apps"), secret_ref=SECRET)

    kept = "".join(
        (path.read_bytes()).decode(errors="replace")
        for path in (tmp_path / "host").rglob("*")
        if path.is_file()
    )

    assert started
    for place in (str(started), kept, os.environ.__repr__()):
        assert CANARY not in place
        assert "Authorization" not in place


async def test_a_redirect_does_not_carry_the_token_away(repository, server, reader):
    server.behaviour = Behaviour.REDIRECT

    with pytest.raises(Exception, match="answers with a redirect, which is not followed"):
        await reader.fetch(server.url("apps"), secret_ref=SECRET)

    assert dict(server.asked) == {"refs": 1}


@pytest.mark.parametrize(
    "url",
    [
        f"https://li:{CANARY}@forge.example/apps.git",
        f"https://{CANARY}@forge.example/apps.git",
        f"https://forge.example/apps.git?private_token={CANARY}",
        f"https://li:{CANARY}@forge.example:port/apps.git",
    ],
)
async def test_a_credential_in_the_address_is_refused_without_repeating_it(reader, url):
    with pytest.raises(ValidationError) as refused:
        await reader.fetch(url)

    assert CANARY not in str(refused.value)
    if ":port" not in url:
        assert "secretRef" in str(refused.value)
