"""Access to the controller's own cluster: what a kubelet gives to a Pod, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mounting import mount

from shoal.composition.surroundings import ACCOUNT_FOLDER, HOST, PORT, pod_around
from shoal.errors import AccessDenied, InvalidDocument
from shoal.hooks.host import Host, Pod
from shoal_clusters.access.in_cluster import InCluster, InClusterSpec


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """The folder of a service account, as a kubelet writes it: names that lead to a version."""
    written(tmp_path / "account", token="token-1", authority="the authority")
    return tmp_path / "account"


@pytest.fixture
def host(shoal_host: Callable[..., Host], account: Path) -> Host:
    return shoal_host(pod=Pod("https://10.96.0.1:443", account))


def written(folder: Path, *, token: str, authority: str) -> None:
    mount(folder, {"token": token, "ca.crt": authority})


async def test_a_pods_token_is_read_anew_each_time(host: Host, account: Path) -> None:
    endpoint = await InCluster().connect(InClusterSpec(), host)
    first = await endpoint.credential()
    written(account, token="two\n", authority="the authority")

    assert endpoint.server == "https://10.96.0.1:443"
    assert Path(endpoint.ca_file).read_text() == "the authority"
    assert first.token == "token-1"
    assert (await endpoint.credential()).token == "two"
    assert "token-1" not in repr(first)


async def test_outside_of_a_cluster_it_says_so_and_what_to_write(
    shoal_host: Callable[..., Host],
) -> None:
    with pytest.raises(InvalidDocument, match="this one runs in none") as raised:
        await InCluster().connect(InClusterSpec(), shoal_host())

    assert "kubeconfig" in raised.value.next_step


@pytest.mark.parametrize("secret", ["", "two words", "-----BEGIN KEY-----\nabc", "\x00", "\xff"])
async def test_what_is_no_token_is_neither_sent_nor_said(
    host: Host, account: Path, secret: str
) -> None:
    written(account, token=secret, authority="the authority")
    endpoint = await InCluster().connect(InClusterSpec(), host)

    with pytest.raises(AccessDenied, match="is no token") as raised:
        await endpoint.credential()
    assert not secret or secret.split()[0] not in str(raised.value)


async def test_without_an_authority_no_other_one_is_believed(host: Host, account: Path) -> None:
    written(account, token="one", authority="\n")
    with pytest.raises(AccessDenied, match=r"ca\.crt is empty"):
        await InCluster().connect(InClusterSpec(), host)
    (account / "ca.crt").unlink()

    with pytest.raises(AccessDenied, match=r"ca\.crt cannot be read") as raised:
        await InCluster().connect(InClusterSpec(), host)
    assert "serviceAccountName" in raised.value.next_step


async def test_a_token_that_is_not_mounted_is_named(host: Host, account: Path) -> None:
    (account / "token").unlink()
    endpoint = await InCluster().connect(InClusterSpec(), host)

    with pytest.raises(AccessDenied, match=re.escape(str(account / "token"))):
        await endpoint.credential()


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("10.96.0.1", "https://10.96.0.1:6443"),
        ("fd00::1", "https://[fd00::1]:6443"),
        ("[fd00::1]", "https://[fd00::1]:6443"),
        ("api.example.org", "https://api.example.org:6443"),
    ],
)
def test_the_address_is_the_one_that_the_kubelet_tells(host: str, server: str) -> None:
    assert pod_around({HOST: host, PORT: "6443"}) == Pod(server, ACCOUNT_FOLDER)


@pytest.mark.parametrize("environment", [{}, {HOST: "10.96.0.1"}, {PORT: "443"}, {HOST: ""}])
def test_a_process_outside_of_a_cluster_is_in_no_pod(environment: dict[str, str]) -> None:
    assert pod_around(environment) is None
