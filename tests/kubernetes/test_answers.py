"""What an answer means: a corpus of API servers' answers, and what we make of each.

The answers in `refusals/` were recorded from real API servers; `test_answers_are_real` provokes
them again. Names and values of the others are ours.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kubernetes.refusals.all import REFUSALS
from tests.kubernetes.refusals.corpus import body_of, read_recorded, recorded_versions
from tests.kubernetes.refusals.ground import Refusal

from shoal.errors import (
    ForbiddenByCluster,
    InvalidObject,
    Retryable,
    ServerBusy,
    ShoalError,
)
from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.answers import meaning

WEB = ObjectKey("apps", "Deployment", "shop", "web")
LOGIN = ObjectKey("", "Secret", "shop", "login")
SETTINGS = ObjectKey("", "ConfigMap", "shop", "settings")
FISH = ObjectKey("example.com", "Fish", "shop", "cod")


def status(code: int, reason: str, message: str, **details: Any) -> bytes:
    return orjson.dumps(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code,
        }
    )


def read(code: int, body: bytes, key: ObjectKey | None = WEB, **options: Any) -> ShoalError:
    return meaning(code, body, key=key, cluster="dev", verb="patch", **options)


def cause(reason: str, field: str, message: str = "") -> dict[str, str]:
    return {"reason": reason, "field": field, "message": message}


@pytest.mark.parametrize("minor", recorded_versions())
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=lambda refusal: refusal.title)
def test_a_recorded_answer_means(refusal: Refusal, minor: str) -> None:
    answer = read_recorded(minor)["answers"][refusal.name]
    after = answer["retry_after"]
    error = read(
        answer["code"], body_of(answer), refusal.key, retry_after=float(after) if after else None
    )

    assert type(error) is refusal.kind
    assert refusal.words in error.message
    assert error.message.startswith("dev: ")
    assert error.next_step or isinstance(error, ServerBusy)
    assert len(error.message) < 500


@pytest.mark.parametrize("minor", recorded_versions())
def test_every_recorded_answer_is_of_a_refusal_that_can_be_provoked(minor: str) -> None:
    assert set(read_recorded(minor)["answers"]) == set(REFUSALS)


# What no test can bring about at will; the messages are those of kube-apiserver 1.37.
RARE: list[tuple[str, int, bytes, type[ShoalError], str]] = [
    (
        "etcd in trouble",
        500,
        status(500, "InternalError", "etcdserver: request timed out"),
        ServerBusy,
        "answered 500",
    ),
    (
        "etcd without a leader",
        500,
        status(500, "InternalError", "etcdserver: no leader"),
        ServerBusy,
        "answered 500",
    ),
    ("a proxy's page", 503, b"<html>Service Unavailable</html>", ServerBusy, "answered 503"),
    (
        "a kind that is new",
        429,
        status(429, "TooManyRequests", "storage is (re)initializing"),
        ServerBusy,
        "just beginning to serve its kind",
    ),
    (
        "a quota that was not counted yet",
        403,
        status(403, "Forbidden", 'pods "web" is forbidden: status unknown for quota: small'),
        ForbiddenByCluster,
        "has not been counted yet",
    ),
    (
        "an invalid object with several faults",
        422,
        status(
            422,
            "Invalid",
            'Deployment.apps "web" is invalid: [long]',
            causes=[
                cause(
                    "FieldValueInvalid",
                    "spec.selector",
                    'Invalid value: {"matchLabels":{"a":"tide-and-moon"}}: field is immutable',
                ),
                cause("FieldValueRequired", "spec.template.spec.containers", "Required value"),
            ],
        ),
        InvalidObject,
        "spec.selector is immutable, spec.template.spec.containers is required",
    ),
]


@pytest.mark.parametrize(
    ("code", "body", "kind", "words"), [case[1:] for case in RARE], ids=[case[0] for case in RARE]
)
def test_a_rare_answer_means(code: int, body: bytes, kind: type[ShoalError], words: str) -> None:
    error = read(code, body)

    assert type(error) is kind
    assert words in error.message
    assert error.message.startswith("dev: Deployment.apps shop/web: ")


def test_the_header_and_the_body_say_when_to_come_back() -> None:
    body = status(429, "TooManyRequests", "later", retryAfterSeconds=3)
    header, detail = read(429, body, retry_after=7), read(429, body)

    assert isinstance(header, Retryable)
    assert isinstance(detail, Retryable)
    assert (header.after_seconds, detail.after_seconds) == (7, 3)


TYPED = "failed to create typed patch object (shop/login; /v1, Kind=Secret): "


@pytest.mark.parametrize(
    ("key", "code", "message", "causes"),
    [
        (
            LOGIN,
            500,
            TYPED + '.data.a: expected string, got &value.valueUnstructured{Value:"tide"}',
            [],
        ),
        (
            LOGIN,
            422,
            'Secret "login" is invalid: data[a]: Invalid value: "tide": odd',
            [cause("FieldValueInvalid", "data[a]", 'Invalid value: "tide": odd')],
        ),
        (LOGIN, 400, "cannot parse tide", []),
        (WEB, 422, 'spec.template: Invalid value: core.PodTemplateSpec{Env:"tide"}: immutable', []),
        (WEB, 422, "x", [cause("FieldValueInvalid", "spec.template", 'Invalid value: "tide"')]),
        (
            FISH,
            422,
            'spec.template.env: Invalid value: "tide"',
            [cause("FieldValueInvalid", "spec.template.spec.env[0]", 'Invalid value: "tide"')],
        ),
        (FISH, 422, 'spec: Invalid value: {"env":[{"name":"a","value":"tide"}]}: odd', []),
    ],
)
def test_values_of_secrets_and_pod_templates_are_never_repeated(
    key: ObjectKey, code: int, message: str, causes: list[dict[str, str]]
) -> None:
    error = read(code, status(code, "Invalid", message, causes=causes), key)

    assert isinstance(error, InvalidObject)
    assert "tide" not in str(error)


def test_the_value_of_an_ordinary_object_is_shown() -> None:
    message = 'ConfigMap "settings" is invalid: data[a b]: Invalid value: "a b": a valid key is …'

    assert '"a b"' in read(422, status(422, "Invalid", message), SETTINGS).message


def test_a_path_of_a_secret_is_still_named() -> None:
    body = status(500, "", TYPED + ".data.a: expected string, got &value{}")

    assert ".data.a: expected string" in read(500, body, LOGIN).message


def test_a_reason_without_a_value_is_repeated_for_pod_templates() -> None:
    message = 'Invalid value: {"app":"tide"}: `selector` does not match template `labels`'
    causes = [cause("FieldValueInvalid", "spec.template.metadata.labels", message)]

    error = read(422, status(422, "Invalid", "x", causes=causes))

    assert "labels has an invalid value: `selector` does not match template `labels`" in str(error)
    assert "tide" not in str(error)


def test_many_faults_are_counted() -> None:
    causes = [cause("FieldValueRequired", f"spec.f{at}") for at in range(9)]

    assert "and 4 more" in read(422, status(422, "Invalid", "x", causes=causes)).message


@given(
    st.integers(300, 599),
    st.binary(max_size=40)
    | st.dictionaries(
        st.sampled_from(["kind", "message", "details", "reason"]),
        st.none() | st.just("Status") | st.text() | st.lists(st.integers(0, 9)),
    ).map(orjson.dumps),
)
def test_any_answer_at_all_means_something_of_bounded_length(code: int, body: bytes) -> None:
    for key in (WEB, LOGIN, None):
        error = read(code, body, key)

        assert len(str(error)) < 700
        assert "\n" not in str(error)
