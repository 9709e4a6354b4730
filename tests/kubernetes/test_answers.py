"""What an answer means: a corpus of API servers' answers, and what we make of each.

The messages are those of kube-apiserver 1.37; names and values are ours.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.errors import (
    AccessDenied,
    ForbiddenByCluster,
    InvalidObject,
    MissingApi,
    MissingNamespace,
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


IS_FORBIDDEN = 'pods "web" is forbidden: '
CORPUS: list[tuple[str, int, bytes, type[ShoalError], str]] = [
    (
        "a bad token",
        401,
        status(401, "Unauthorized", "Unauthorized"),
        AccessDenied,
        "does not accept the credential",
    ),
    (
        "too many requests",
        429,
        status(429, "TooManyRequests", "Too many requests, please try again later."),
        ServerBusy,
        "too many requests",
    ),
    (
        "a conflict",
        409,
        status(
            409,
            "Conflict",
            'Operation cannot be fulfilled on deployments.apps "web": the object has been modified',
        ),
        ServerBusy,
        "changed at the same moment",
    ),
    (
        "the old one still going",
        409,
        status(409, "AlreadyExists", 'object is being deleted: pods "web" already exists'),
        ServerBusy,
        "still being deleted",
    ),
    (
        "a namespace going away",
        403,
        status(
            403,
            "Forbidden",
            IS_FORBIDDEN
            + "unable to create new content in namespace shop because it is being terminated",
            causes=[cause("NamespaceTerminating", "metadata.namespace", "is being terminated")],
        ),
        MissingNamespace,
        "is being deleted",
    ),
    (
        "no namespace",
        404,
        status(404, "NotFound", 'namespaces "shop" not found', name="shop", kind="namespaces"),
        MissingNamespace,
        "the namespace shop does not exist",
    ),
    ("no such path", 404, b"404 page not found\n", MissingApi, "does not serve Deployment.apps"),
    (
        "no such resource",
        404,
        status(404, "NotFound", "the server could not find the requested resource"),
        MissingApi,
        "does not serve",
    ),
    (
        "no rights",
        403,
        status(
            403,
            "Forbidden",
            'deployments.apps "web" is forbidden: User "shoal" cannot patch resource '
            '"deployments" in API group "apps" in the namespace "shop"',
        ),
        ForbiddenByCluster,
        "shoal may not patch deployments",
    ),
    (
        "a used-up quota",
        403,
        status(
            403,
            "Forbidden",
            IS_FORBIDDEN
            + "exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3",
        ),
        ForbiddenByCluster,
        "a ResourceQuota is used up",
    ),
    (
        "a limit range",
        403,
        status(403, "Forbidden", IS_FORBIDDEN + "maximum cpu usage per Container is 1, but 2"),
        ForbiddenByCluster,
        "a LimitRange refuses it",
    ),
    (
        "pod security",
        403,
        status(403, "Forbidden", IS_FORBIDDEN + 'violates PodSecurity "restricted:latest": …'),
        ForbiddenByCluster,
        "PodSecurity level",
    ),
    (
        "a webhook that denies",
        400,
        status(400, "BadRequest", 'admission webhook "v.kyverno.svc" denied the request: no team'),
        ForbiddenByCluster,
        "the admission webhook v.kyverno.svc refused it",
    ),
    (
        "an admission policy",
        422,
        status(
            422,
            "Invalid",
            "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'limits' with "
            "binding 'all' denied request: too many replicas",
        ),
        ForbiddenByCluster,
        "ValidatingAdmissionPolicy 'limits' refused it",
    ),
    (
        "a webhook that is down",
        500,
        status(
            500,
            "InternalError",
            'Internal error occurred: failed calling webhook "v.kyverno.svc": failed to call '
            'webhook: Post "https://v": dial tcp: connect: connection refused',
        ),
        ServerBusy,
        "the admission webhook v.kyverno.svc does not answer",
    ),
    (
        "etcd in trouble",
        500,
        status(500, "InternalError", "etcdserver: request timed out"),
        ServerBusy,
        "answered 500",
    ),
    ("a proxy's page", 503, b"<html>Service Unavailable</html>", ServerBusy, "answered 503"),
    ("a time-out", 504, status(504, "Timeout", "Timeout: no answer"), ServerBusy, "answered 504"),
    (
        "an unknown field",
        500,
        status(
            500,
            "",
            "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): "
            ".spec.replcas: field not declared in schema",
        ),
        InvalidObject,
        ".spec.replcas: field not declared in schema",
    ),
    (
        "a duplicate variable",
        500,
        status(
            500,
            "",
            "failed to create manager for existing fields: .spec.template.spec.containers"
            '[name="app"].env: duplicate entries for key [name="TOKEN"]',
        ),
        InvalidObject,
        'duplicate entries for key [name="TOKEN"]',
    ),
    (
        "too large",
        500,
        status(500, "", "etcdserver: request is too large"),
        InvalidObject,
        "request is too large",
    ),
    (
        "a large body",
        413,
        status(413, "RequestEntityTooLarge", "limit is 3145728"),
        InvalidObject,
        "limit is 3145728",
    ),
    (
        "an invalid object",
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
    ("code", "body", "kind", "words"),
    [case[1:] for case in CORPUS],
    ids=[case[0] for case in CORPUS],
)
def test_an_answer_means(code: int, body: bytes, kind: type[ShoalError], words: str) -> None:
    error = read(code, body)

    assert type(error) is kind
    assert words in error.message
    assert error.message.startswith("dev: Deployment.apps shop/web: ") or code == 401
    assert error.next_step or isinstance(error, ServerBusy)
    assert len(error.message) < 500


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
