"""A secret that was met is hidden in every text, in each form in which it may stand there."""

from __future__ import annotations

import base64
import json
from collections import namedtuple
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import StatusCode

from shoal.model.manifests import Manifest
from shoal.telemetry.known import KnownSecrets
from shoal.telemetry.masking import Masking
from shoal.telemetry.spans import trace_id
from shoal.telemetry.tracing import build_tracing

CANARY = 'canary "7/é" of the sea'
texts = st.text(min_size=8, max_size=3_000).filter(lambda text: len(text.strip()) >= 8)


def knowing(*values: str | bytes) -> Masking:
    masking = Masking()
    masking.known.learn(values)
    return masking


def secret(name: str = "login", **fields: Any) -> Manifest:
    return Manifest(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **fields}, ""
    )


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        base64.b64encode(CANARY.encode()).decode(),
        quote(CANARY, safe=""),
        json.dumps(CANARY),
        f"x{CANARY}y {CANARY}{CANARY}",
    ],
)
def test_a_known_value_is_hidden_in_each_of_its_forms(form: str) -> None:
    hidden = knowing(CANARY).text(f"it said {form}, and went")

    assert "canary" not in hidden
    assert form[1:-1] not in hidden
    assert hidden.startswith("it said ")
    assert hidden.endswith(", and went")


@given(value=texts, around=st.sampled_from(["{}", "a {} b", "'{}'", "{}{}"]))
def test_whatever_was_learnt_is_not_repeated(value: str, around: str) -> None:
    hidden = knowing(value).text(around.format(value, value), None)

    lines = [line for line in value.strip().splitlines() if len(line) >= 8]
    assert not [line for line in lines if not line.startswith("-----") and line in hidden]


@given(st.text(max_size=300))
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert knowing("never-in-there-7").known.hide(text) == text


def test_a_longer_value_is_hidden_whole_where_a_shorter_one_begins_alike() -> None:
    assert (
        knowing("tide-and-moon", "tide-and-moon-and-stars").text(
            "tide-and-moon-and-stars, tide-and-moon, tide-and-sun"
        )
        == "***, ***, tide-and-sun"
    )


def test_a_key_of_many_lines_is_hidden_line_by_line() -> None:
    lines = [f"line-{number}-of-a-private-key" for number in range(3)]
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"])

    assert knowing(key.encode()).text(f"bad: {lines[1]} -----BEGIN PRIVATE KEY-----") == (
        "bad: *** -----BEGIN PRIVATE KEY-----"
    )


def test_what_is_too_short_to_tell_is_passed_over() -> None:
    assert knowing("short", "").text("a short text") == "a short text"


def test_names_are_left_alone_and_words_are_not() -> None:
    masking = knowing("orders-7")

    assert masking.value({"names": ["orders-7"]}) == {"names": ["orders-7"]}
    assert masking.value({"name": "orders-7", "label": "orders-7", "why": "no orders-7"}) == {
        "name": "orders-7",
        "label": "***",
        "why": "no ***",
    }


def test_whatever_becomes_a_text_is_masked_as_one() -> None:
    pair = namedtuple("pair", "a b")
    masking = knowing(CANARY)

    for value in (
        pair(CANARY, 1),
        {CANARY},
        CANARY.encode(),
        ValueError(CANARY),
        [CANARY],
    ):
        assert "canary" not in str(masking.value(value))


def test_what_the_secrets_of_a_render_hold_is_known() -> None:
    masking = Masking()
    encoded = base64.b64encode(b"canary-in-data").decode()
    manifests = [
        secret(data={"password": encoded, "broken": "canary, no base64"}),
        secret(
            stringData={"key": "canary-in-string", "username": "somebody-public", "db": "orders"}
        ),
        Manifest({"kind": "Work", "spec": [secret(stringData={"a": "canary-inside"}).body]}, ""),
        Manifest({"kind": "ConfigMap", "data": {"motto": "shown-to-all"}}, ""),
    ]
    masking.known.learn_manifests(manifests)
    count = len(masking.known)
    masking.known.learn_manifests(manifests)

    said = f"{encoded} canary-in-data canary-in-string canary-inside canary, no base64"
    assert "canary" not in masking.text(said)
    assert (
        masking.text("somebody-public shown-to-all orders") == "somebody-public shown-to-all orders"
    )
    assert len(masking.known) == count


def test_the_oldest_are_forgotten_and_learnt_again() -> None:
    known = KnownSecrets(most=4)
    first = secret(stringData={"key": "the-first-secret"})
    known.learn_manifests([first])
    known.learn(["the-second-secret", "the-third-secret"])

    assert len(known) == 4
    assert known.hide("the-first-secret the-third-secret") == "the-first-secret ***"
    known.learn_manifests([first])
    assert known.hide("the-first-secret") == "***"


def test_a_span_of_anybody_is_masked_before_it_is_kept() -> None:
    masking = knowing("canary-in-a-span")
    tracing = build_tracing(masking)
    said = "no canary-in-a-span here"

    with tracing.tracer.start_as_current_span(said, attributes={"said": said}) as span:
        span.add_event(said, {"said": [said]})
        span.set_status(StatusCode.ERROR, said)

    (kept,) = tracing.ring.trace(trace_id(span))
    assert "canary" not in str(kept)
    assert kept.name == "no *** here"
