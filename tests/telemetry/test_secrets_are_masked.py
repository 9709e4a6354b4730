"""`safe` takes out what is secret by its place, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.telemetry.masking import Masking, safe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:hush@host/x.git", "https://host/x.git"),
        ("https://hush@host/x.git", "https://host/x.git"),
        ("https://me:hu@sh@host/x.git", "https://host/x.git"),
        ("https://me:hu/sh@host/x.git", "https://host/x.git"),
        ("https://me:12/34@host/x.git", "https://me:12/34@host/x.git"),
        ("'https://me:hush@a/' and https://you:hush@b", "'https://a/' and https://b"),
        ("https://host:6443/@scope/pkg", "https://host:6443/@scope/pkg"),
        ("https://host/?token=hush&x=1", "https://host/?token=***&x=1"),
        ("https://host/?x=1&access_token=hush", "https://host/?x=1&access_token=***"),
        ("Authorization: Bearer hush-hush-hush", "Authorization: Bearer ***"),
        ("git@github.com:org/repo.git", "git@github.com:org/repo.git"),
        ("a basic fact", "a basic fact"),
    ],
)
def test_credentials_are_taken_out_and_the_rest_stays(text: str, expected: str) -> None:
    assert safe(text) == expected


@given(
    user=st.from_regex(r"[a-z]{0,8}", fullmatch=True),
    password=st.from_regex(r"[A-Za-z!$&'()*+,;=._~%-]{1,20}", fullmatch=True),
    around=st.sampled_from(["{}", "cannot read {}: 404", "({})", "{}\n{}"]),
)
def test_no_password_of_a_url_survives(user: str, password: str, around: str) -> None:
    url = f"https://{user}:Q{password}Q@git.example.com/fleet.git"

    assert f"Q{password}Q" not in safe(around.format(url, url))


def test_a_long_text_is_cut() -> None:
    assert safe("x" * 30, limit=10) == "xxxxxxxxxx… (30 characters)"


def test_masking_comes_before_cutting() -> None:
    assert "hus" not in safe("https://me:hush@host", limit=13)


def test_values_are_masked_all_the_way_down() -> None:
    url = "https://me:hush@host"
    value = {"a": [url, (url,)], "b": {"c": url}, "n": 1, "e": ValueError(url)}

    assert "hush" not in repr(Masking().value(value))
    assert Masking().value(value)["n"] == 1
