"""What an API server says: read whatever it is, and shown without what must not be."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.kubernetes.samples import config_map, deployment, key_of, secret

from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.messages import Answer, Cause, read_answer, told

SETTINGS, SECRET, WEB = key_of(config_map()), key_of(secret()), key_of(deployment())
LONG = "x" * 20_000


def status(**fields: Any) -> dict[str, Any]:
    return {"kind": "Status", **fields}


def said(
    key: ObjectKey | None, message: str = "", *causes: tuple[str, str, str], code: int = 422
) -> str:
    found = [{"field": field, "reason": why, "message": words} for field, why, words in causes]
    details = {"causes": found}
    return told(read_answer(code, status(message=message, reason="Invalid", details=details)), key)


def test_a_status_is_read_with_all_that_it_says() -> None:
    body = status(
        reason="NotFound",
        message="namespaces x not found",
        details={
            "kind": "namespaces",
            "name": "x",
            "retryAfterSeconds": 3,
            "causes": [{"reason": "R", "field": "spec.a", "message": "m"}],
        },
    )
    expected = Answer(
        404,
        "NotFound",
        "namespaces x not found",
        (Cause("R", "spec.a", "m"),),
        "namespaces",
        "x",
        3.0,
        is_status=True,
    )

    assert read_answer(404, body) == expected
    assert read_answer(404, orjson.dumps(body)) == expected


@pytest.mark.parametrize(
    "details",
    [
        None,
        "text",
        {"kind": None, "name": None, "causes": None},
        {"causes": "text", "retryAfterSeconds": "3"},
        {"causes": ["text", None], "retryAfterSeconds": 0},
    ],
)
def test_a_status_that_says_little_is_read_too(details: Any) -> None:
    answer = read_answer(500, status(details=details))

    assert answer == Answer(500, "", "", (), "", "", None, is_status=True)


def test_a_cause_of_any_shape_is_read() -> None:
    answer = read_answer(422, status(details={"causes": ["x", {}, {"field": 1, "message": None}]}))

    assert answer.causes == (Cause("", "", ""), Cause("", "1", ""))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"404 page not found\n", "404 page not found"),
        (b"", ""),
        (b"\xff", "\ufffd"),
        (b"[1]", "[1]"),
        (b'{"kind": "Pod"}', '{"kind": "Pod"}'),
        ({"kind": "Pod"}, ""),
    ],
)
def test_what_is_no_status_is_text(body: Any, message: str) -> None:
    assert read_answer(502, body) == Answer(502, "", message, (), "", "", None, is_status=False)


def test_an_endless_answer_is_read_in_part() -> None:
    cause = {"reason": LONG, "field": LONG, "message": f"{LONG}end"}
    answer = read_answer(
        422,
        status(
            message=f"{LONG}end",
            reason=LONG,
            details={"kind": LONG, "name": LONG, "causes": [cause]},
        ),
    )
    (found,) = answer.causes

    assert answer.message == LONG[:16_384]
    assert found.message == f"{LONG}end"[-16_384:]
    for text in (answer.reason, answer.details_kind, answer.details_name, found.reason):
        assert len(text) == 300
    assert len(found.field) == 300


def test_an_ordinary_objects_message_is_shown_without_its_name() -> None:
    prefix = 'ConfigMap "settings" is invalid: '

    assert said(SETTINGS, f"{prefix}data: no") == "data: no"
    assert said(None, 'pods "a" is forbidden: exceeded quota') == "exceeded quota"
    assert said(SETTINGS, 'the ConfigMap "settings" is invalid: no').startswith("the ConfigMap")
    assert said(SETTINGS, "got core.Spec{A:tide}: no") == "got ***: no"
    assert said(SETTINGS, "Invalid value: tide") == "Invalid value: tide"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("FieldValueRequired", "is required"),
        ("FieldValueInvalid", "has an invalid value"),
        ("FieldValueDuplicate", "is a duplicate"),
        ("FieldValueNotSupported", "has a value that is not supported"),
        ("FieldValueForbidden", "is not allowed to be set or changed"),
        ("FieldValueTypeInvalid", "has a value of the wrong type"),
        ("FieldValueTooLong", "is too long"),
        ("FieldValueTooMany", "has too many items"),
        ("FieldValueNotFound", "names something that does not exist"),
        ("SomethingNew", "was refused"),
    ],
)
def test_a_fault_is_told_by_its_kind_where_values_are_hidden(reason: str, words: str) -> None:
    for key in (SECRET, WEB):
        assert said(key, "x", ("spec.a", reason, "Invalid value: tide")) == f"spec.a {words}"


def test_a_field_that_cannot_change_is_told_as_such() -> None:
    words = 'Invalid value: core.Spec{A:"tide"}: field is immutable'

    assert said(SECRET, "x", ("data", "FieldValueInvalid", words)) == "data is immutable"
    assert said(WEB, "x", ("spec", "FieldValueInvalid", words)) == "spec is immutable"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Invalid value: 70000: must be 1-65535", "has an invalid value: must be 1-65535"),
        ('Invalid value: "tide": must be "low"', "has an invalid value"),
        ("Invalid value: 1: must not be {a}", "has an invalid value"),
        ("Invalid value: 1: must not be a*", "has an invalid value"),
        ("something else", "has an invalid value"),
    ],
)
def test_a_reason_is_repeated_where_it_holds_no_value(message: str, words: str) -> None:
    cause = ("spec.port", "FieldValueInvalid", message)

    assert said(WEB, "x", cause) == f"spec.port {words}"
    assert said(SECRET, "x", cause) == "spec.port has an invalid value"


def test_a_policys_cause_has_no_path_and_its_own_words() -> None:
    cause = ("", "", "replicas must be even, Invalid value: tide")

    assert said(WEB, "x", cause) == "replicas must be even, Invalid value: ***"
    assert said(SECRET, "x", cause) == "the object was refused"
    assert said(WEB, "x", ("", "FieldValueInvalid", "no")) == "the object has an invalid value"
    assert said(WEB, "x", ("spec", "", "no")) == "spec was refused"


@pytest.mark.parametrize("word", ["template", "containers", "initContainers", "env"])
def test_a_pod_template_of_a_custom_resource_is_told_by_paths_too(word: str) -> None:
    fish = ObjectKey("example.com", "Fish", "sea", "cod")
    cause = (f"spec.{word}[0].value", "FieldValueInvalid", "Invalid value: tide: too odd")

    assert said(fish, "tide", cause) == f"spec.{word}[0].value has an invalid value: too odd"
    assert said(None, "tide", cause) == f"spec.{word}[0].value has an invalid value: too odd"
    assert said(fish, "tide", ("spec.templates", "FieldValueInvalid", "")) == "tide"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            ".spec.foo: field not declared in schema",
            ".spec.foo: field not declared in schema",
        ),
        (
            'errors: .spec.containers[name="a"].env: duplicate entries for key [name="A"]',
            '.spec.containers[name="a"].env: duplicate entries for key [name="A"]',
        ),
        (
            ".data.a: expected string, got tide",
            ".data.a: expected string",
        ),
        ('strict decoding error: unknown field "spec.foo"', "unknown field spec.foo"),
        ("illegal base64 data at input byte 3", "illegal base64 data at input byte 3"),
        (
            'unknown field "a", unknown field "b", unknown field "a"',
            "unknown field a, unknown field b",
        ),
    ],
)
def test_a_message_without_causes_is_searched_for_paths(message: str, words: str) -> None:
    for key in (SECRET, WEB):
        assert said(key, message, code=500) == words


def test_nothing_of_a_secrets_own_words_is_shown_but_why_it_is_forbidden() -> None:
    text = 'secrets "login" is forbidden: User "ann" cannot patch'

    assert said(SECRET, "tide") == "Invalid (its words may hold values of the Secret)"
    assert told(read_answer(500, b"tide"), SECRET) == (
        "500 (its words may hold values of the Secret)"
    )
    assert said(SECRET, text, code=403) == 'User "ann" cannot patch'
    assert said(WEB, "Invalid value: tide") == "Invalid value: ***"


def test_the_first_faults_are_listed_and_the_others_counted() -> None:
    causes = [(f"spec.{name}", "FieldValueRequired", "") for name in "abcdef"]
    five = ", ".join(f"spec.{name} is required" for name in "abcde")

    assert said(WEB, "x", *causes[:5]) == five
    assert said(WEB, "x", *causes) == f"{five} and 1 more"
