"""Which values are secret: what a Secret holds, but for what its key says is public."""

from __future__ import annotations

import pytest

from shoal.model.secret_values import is_secret_value, values_among, without


@pytest.mark.parametrize(
    ("key", "value", "is_secret"),
    [
        ("password", "correct-horse", True),
        ("POSTGRES_PASSWORD", "production", True),
        ("api-key", "12345678", True),
        ("config.yaml", "listen: 7 in the evening", True),
        ("password", "short", False),
        ("username", "administrator-7", False),
        ("POSTGRES_DB", "orders-7-production", False),
        ("tls.crt", "-----BEGIN CERTIFICATE-----", False),
        ("mode", "production", False),
        ("size", "1234567.89", False),
    ],
)
def test_a_value_of_a_secret_is_secret_unless_it_is_public(
    key: str, value: str, is_secret: bool
) -> None:
    assert is_secret_value(key, value) is is_secret


def test_of_values_only_those_count_whose_key_says_so() -> None:
    values = {
        "image": {"tag": "1.27.0-alpine"},
        "auth": {"password": "correct-horse", "user": "somebody-7"},
        "tokens": ["not-by-this-key"],
        "apiKey": ["one-of-two-keys", "two-of-two-keys"],
        "replicas": 3,
    }

    assert set(values_among(values)) == {
        "correct-horse",
        "one-of-two-keys",
        "two-of-two-keys",
        "not-by-this-key",
    }


def test_the_longest_form_is_taken_out_first() -> None:
    assert without("tide-and-moon tide-and-moon-7", ["tide-and-moon", "tide-and-moon-7"]) == (
        "*** ***"
    )
