"""When a credential ends: read from what it says of itself, and never a reason to refuse it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.access.conftest import connected, kubeconfig

from shoal.hooks.host import Host
from shoal.model.endpoints import Credential
from shoal_clusters.access.expiring import lifetime_of_certificate, lifetime_of_token
from shoal_clusters.controlplane.certificates import create_authority

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def token(**claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{body}.signature"


def test_a_token_says_from_when_until_when_it_counts() -> None:
    found = lifetime_of_token(token(iat=NOW.timestamp(), exp=(NOW + DAY).timestamp()))

    assert found == (NOW, NOW + DAY)
    assert lifetime_of_token(token(exp=NOW.timestamp())) == (None, NOW)
    assert lifetime_of_token(token(iss="kubernetes/serviceaccount")) == (None, None)


@pytest.mark.parametrize(
    "text",
    ["", "opaque", "a.b.c", "..", "a.e30", token(exp="soon"), token(exp=1e300), token(exp=-1e18)],
)
def test_what_is_no_token_of_that_form_says_nothing(text: str) -> None:
    assert lifetime_of_token(text).ends is None


@given(st.text() | st.binary().map(lambda raw: f"a.{base64.urlsafe_b64encode(raw).decode()}.c"))
def test_any_text_may_be_a_token(text: str) -> None:
    lifetime_of_token(text)


def test_a_certificate_says_when_it_ends_and_a_key_or_nonsense_does_not() -> None:
    authority = create_authority("somebody")
    client = authority.sign_client("shoal", ())

    found = lifetime_of_certificate(client.pem + authority.pem)

    assert found.begins is not None
    assert found.ends is not None
    assert found.ends - found.begins > 300 * DAY
    assert lifetime_of_certificate(client.key_pem).ends is None
    assert lifetime_of_certificate(b"").ends is None


async def test_a_kubeconfig_tells_the_end_of_what_it_holds(host: Host) -> None:
    client = create_authority("somebody").sign_client("shoal", ())
    pem = {
        "client-certificate-data": base64.b64encode(client.pem).decode(),
        "client-key-data": base64.b64encode(client.key_pem).decode(),
    }
    users = [
        {"token": token(exp=2e9)},
        pem,
        {**pem, "token": token(exp=1.9e9)},
        {"token": "opaque"},
    ]
    found = [await (await connected(host, kubeconfig(user))).credential() for user in users]
    from_token, from_pem, both, opaque = found

    assert from_token.expires_at == datetime.fromtimestamp(2e9, UTC)
    assert from_pem.expires_at == lifetime_of_certificate(client.pem).ends
    assert both.expires_at == min(
        datetime.fromtimestamp(1.9e9, UTC), lifetime_of_certificate(client.pem).ends or NOW
    )
    assert opaque.expires_at is None


def test_somebody_is_told_seven_days_ahead_and_of_short_ones_in_their_last_tenth() -> None:
    year = Credential(issued_at=NOW, expires_at=NOW + 365 * DAY)
    unknown = Credential(expires_at=NOW + 365 * DAY)
    hour = Credential(issued_at=NOW, expires_at=NOW + timedelta(hours=1))

    for one in (year, unknown):
        assert not one.is_expiring(NOW + 357 * DAY)
        assert one.is_expiring(NOW + 358 * DAY)
        assert one.is_expiring(NOW + 400 * DAY)
    assert not hour.is_expiring(NOW + timedelta(minutes=53))
    assert hour.is_expiring(NOW + timedelta(minutes=54))
    assert not Credential(token="opaque").is_expiring(NOW + 400 * DAY)


def test_a_pods_token_is_looked_at_before_and_after_its_kubelet_renews_it() -> None:
    hour = Credential(issued_at=NOW, expires_at=NOW + timedelta(hours=1))
    renewed = NOW + timedelta(minutes=48)  # a fifth of its life before its end

    assert hour.may_be_renewed(renewed)
    assert not hour.may_be_renewed(NOW + timedelta(minutes=44))
    assert not hour.is_expiring(renewed + timedelta(minutes=5))
    assert not replace(hour, renews_itself=True).may_be_renewed(renewed)


def test_a_pods_token_that_counts_for_a_year_ends_when_it_should_have_been_renewed() -> None:
    extended = token(
        iat=NOW.timestamp(),
        exp=(NOW + 365 * DAY).timestamp(),
        **{"kubernetes.io": {"warnafter": (NOW + timedelta(minutes=60)).timestamp()}},
    )

    assert lifetime_of_token(extended) == (NOW, NOW + timedelta(minutes=60))
