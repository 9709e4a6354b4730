"""A kubeconfig often comes from somebody else: it runs nothing, reads nothing, reaches nobody."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.access.conftest import connected, kubeconfig, program, written

from shoal.errors import AccessDenied, InvalidDocument, ShoalError
from shoal.hooks.host import Host
from shoal.model.endpoints import Credential
from shoal_clusters.access.kubeconfig import Kubeconfig, KubeconfigSpec

MERGED = "\n".join(
    ["a0: &a0 {x: 1}"]
    + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
)
LAUGHS = "\n".join(
    ["a0: &a0 [lol]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
)


async def test_an_auth_provider_runs_no_program_that_is_not_listed(
    host: Host, tmp_path: Path
) -> None:
    flag = tmp_path / "it-ran"
    config = {"cmd-path": "/usr/bin/touch", "cmd-args": str(flag)}
    endpoint = await connected(
        host, kubeconfig({"auth-provider": {"name": "gcp", "config": config}})
    )

    with pytest.raises(AccessDenied, match="touch, which is not allowed"):
        await endpoint.credential()
    assert not flag.exists()


async def test_an_allowed_program_is_not_made_to_load_another(host: Host) -> None:
    for name in ("LD_PRELOAD", "PATH", "PYTHONSTARTUP", "DYLD_INSERT_LIBRARIES", "BASH_ENV"):
        environment = [{"name": "AWS_PROFILE", "value": "dev"}, {"name": name, "value": "/evil"}]
        endpoint = await connected(host, kubeconfig(program("-c", "", env=environment)))

        with pytest.raises(AccessDenied, match=f"sets {name} for the program"):
            await endpoint.credential()


async def test_what_it_names_as_a_token_is_sent_only_when_it_is_one(host: Host) -> None:
    for secret in ("-----BEGIN KEY-----\nabc\n", "two words", "\x00\xff", "x" * 2_000_000):
        (written(host, kubeconfig({"tokenFile": "it"})).parent / "it").write_bytes(
            secret.encode("latin-1")
        )
        endpoint = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)

        with pytest.raises(AccessDenied) as refused:
            await endpoint.credential()
        assert secret.split()[0] not in str(refused.value)


async def test_a_program_that_prints_no_token_of_one_line_is_refused(host: Host) -> None:
    status = '{"status": {"token": "a\\\\nHost: evil"}, "kind": "ExecCredential",'
    answer = status + ' "apiVersion": "client.authentication.k8s.io/v1"}'
    endpoint = await connected(host, kubeconfig(program("-c", f"print('{answer}')")))

    with pytest.raises(AccessDenied, match="no token of one line"):
        await endpoint.credential()


@pytest.mark.parametrize(
    ("user", "cluster", "says"),
    [
        ({"token": "t", "as": "somebody"}, {}, "acts as somebody else (as)"),
        ({"token": "t", "as-groups": ["system:masters"]}, {}, "acts as somebody else"),
        ({"token": "t"}, {"proxy-url": "http://evil.example"}, "asks for proxy-url"),
        ({"token": "t"}, {"insecure-skip-tls-verify": True}, "insecure-skip-tls-verify"),
    ],
)
async def test_what_is_not_carried_out_is_refused_and_not_left_out(
    host: Host, user: dict[str, Any], cluster: dict[str, Any], says: str
) -> None:
    with pytest.raises(AccessDenied) as refused:
        await connected(host, kubeconfig(user, **cluster))

    assert says in str(refused.value)


async def test_what_is_refused_at_first_is_refused_when_it_is_read_again(host: Host) -> None:
    endpoint = await connected(host, kubeconfig({"token": "t"}))
    written(host, kubeconfig({"token": "t", "as": "somebody"}))

    with pytest.raises(AccessDenied, match="acts as somebody else"):
        await endpoint.credential()


@pytest.mark.parametrize(
    "server",
    [
        "https://user:secret@10.0.0.1",
        "https://10.0.0.1/?a=b",
        "https://10.0.0.1/#a",
        "https://",
        "https://10.0.0.1:port",
        "https://[::1",
        "https://10.0.0.1\r\nHost: evil",
        "https://10.0.0.1/ a",
        "file:///etc/passwd",
        17,
        ["https://10.0.0.1"],
    ],
)
async def test_an_address_is_an_address_and_shows_no_login(host: Host, server: object) -> None:
    with pytest.raises(InvalidDocument) as refused:
        await connected(host, kubeconfig({"token": "t"}, server=server))

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("bomb", [MERGED, LAUGHS, "[" * 100_000, "a: b\na: c", "--- {}\n--- {}"])
async def test_a_file_that_would_take_all_memory_is_refused_at_once(host: Host, bomb: str) -> None:
    began = time.monotonic()
    with pytest.raises(InvalidDocument):
        await connected(host, bomb)

    assert time.monotonic() - began < 10  # a bomb would take hours


@pytest.mark.parametrize("field", ["", "tokenFile", "client-certificate", "client-key"])
async def test_a_pipe_or_a_device_is_no_file_and_holds_no_thread(host: Host, field: str) -> None:
    folder = written(host, "").parent
    os.mkfifo(folder / "pipe")
    for place in ("pipe", "/dev/zero", "."):
        user = {"token": "t", "client-certificate": "kubeconfig", field: place}
        path = written(host, kubeconfig(user)) if field else Path(place)
        with pytest.raises(ShoalError, match="cannot be read"), anyio.fail_after(5):
            await credential_of(host, path)


async def credential_of(host: Host, path: Path) -> Credential:
    endpoint = await Kubeconfig().connect(KubeconfigSpec(path=str(path)), host)
    return await endpoint.credential()


PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("https://10.0.0.1"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "context", "cluster", "user", "server", "token", "command"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "current-context": st.just("dev") | PARTS,
        "contexts": st.just(kubeconfig({})["contexts"]) | PARTS,
        "clusters": st.just(kubeconfig({})["clusters"]) | PARTS,
        "users": st.just([{"name": "u", "user": {"token": "t"}}])
        | st.fixed_dictionaries({"name": st.just("u"), "user": PARTS}).map(lambda one: [one])
        | PARTS,
    },
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=100,
)
@given(document=FILES)
async def test_whatever_a_file_holds_the_answer_is_an_endpoint_or_one_sentence(
    host: Host, document: object
) -> None:
    written(host, yaml.safe_dump(document))
    with suppress(ShoalError):
        endpoint = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)
        await endpoint.credential()
