"""Masking: no value that could be a secret is shown, and what is none stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.identity import ObjectKey
from shoal.model.masking import MASK, MESSAGE_LIMIT, UNFIT, cut, masked_body, masked_patch, scrub

SECRET = ObjectKey("", "Secret", "shop", "login")
WEB = ObjectKey("apps", "Deployment", "shop", "web")
SETTINGS = ObjectKey("", "ConfigMap", "shop", "settings")
LIST = ObjectKey("", "List", "", "")
WORK = ObjectKey("work.example.com", "ManifestWork", "shop", "all")
CONTAINER = "/spec/template/spec/containers/0"
CANARY = "canary-of-the-test"
HIDDEN = [*UNFIT]


def shown(key: ObjectKey, path: str, value: Any, *documents: Mapping[str, Any]) -> Any:
    """What is shown of the value that an operation puts at a path."""
    (operation,) = masked_patch(key, [{"op": "replace", "path": path, "value": value}], *documents)
    assert (operation["op"], operation["path"]) == ("replace", path)
    return operation["value"]


def secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, **fields}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("/data/password", "eA==", MASK),
        ("/data/password", None, MASK),
        ("/data/password", {"typo": "eA=="}, MASK),
        ("/data", {"password": "eA=="}, {"password": MASK}),
        ("/data", "eA==", MASK),
        ("/stringData", {"password": "x"}, {"password": MASK}),
        ("/stringdata", {"password": "x"}, MASK),
        ("/metadata/annotations/note", "x", MASK),
        ("/metadata/annotations", {"note": "x"}, {"note": MASK}),
        ("/metadata", {"labels": {"a": "b"}, "note": "x"}, {"labels": {"a": "b"}, "note": MASK}),
        ("/type", "Opaque", "Opaque"),
        ("", {"data": {"a": "eA=="}, "type": "Opaque"}, {"data": {"a": MASK}, "type": "Opaque"}),
        ("", None, MASK),
    ],
)
def test_of_a_secret_only_names_and_type_are_shown(path: str, value: Any, expected: Any) -> None:
    assert shown(SECRET, path, value) == expected
    assert shown(SECRET._replace(group="secrets.example.com"), path, value) == expected


@pytest.mark.parametrize("op", ["add", "replace", "test"])
def test_every_operation_that_carries_a_value_is_masked(op: str) -> None:
    patch = [{"op": op, "path": "/data/a", "value": CANARY, "comment": CANARY}]

    assert masked_patch(SECRET, patch) == ({"op": op, "path": "/data/a", "value": MASK},)


def test_an_operation_without_a_value_stays_as_it_is() -> None:
    patch = (
        {"op": "remove", "path": "/data/password"},
        {"op": "move", "path": "/data/new", "from": "/data/old"},
    )

    assert masked_patch(SECRET, patch) == patch


@pytest.mark.parametrize(
    ("key", "origin"),
    [(SECRET, "/data/password"), (SECRET, "/data"), (WEB, f"{CONTAINER}/env/0/value")],
)
@pytest.mark.parametrize("path", ["/metadata/labels/a", "/metadata/labels", "/metadata/labels/a/b"])
def test_a_hidden_value_that_was_copied_stays_hidden(
    key: ObjectKey, origin: str, path: str
) -> None:
    copied = {"op": "copy", "from": origin, "path": "/metadata/labels/a"}
    tested = {"op": "test", "path": path, "value": {"a": CANARY}}

    assert masked_patch(key, [copied, tested])[1]["value"] == MASK


def test_a_patch_that_makes_a_secret_of_something_is_one_of_a_secret() -> None:
    patch = [
        {"op": "add", "path": "/data/a", "value": CANARY},
        {"op": "replace", "path": "/kind", "value": "Secret"},
    ]

    assert CANARY not in repr(masked_patch(SETTINGS, patch))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/items/0/data/a", CANARY),
        ("/items/0/stringdata", {"a": CANARY}),
        ("/items/-", secret(data={"a": CANARY})),
        ("/items/0", {"data": {"a": CANARY}}),
        ("/items", [secret(data={"a": CANARY})]),
        ("/items", CANARY),
        ("", {"kind": "List", "items": [secret(data={"a": CANARY})]}),
        ("", {"items": [{"stringData": {"a": CANARY}}]}),
        ("", {"kind": "SecretList", "items": [{"kind": "Renamed", "data": {"a": CANARY}}]}),
    ],
)
def test_a_list_may_hold_a_secret(path: str, value: Any) -> None:
    assert CANARY not in repr(shown(LIST, path, value))
    assert CANARY not in repr(shown(LIST._replace(kind="SecretList"), path, value))


def test_what_a_list_holds_besides_secrets_is_shown() -> None:
    item = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"colour": "blue"}}

    assert shown(LIST, "/items/-", item) == item


def test_a_secret_in_a_custom_resource_is_found_by_the_documents() -> None:
    before = {"spec": {"manifests": [secret(data={"a": "old"})]}}
    after = {"spec": {"manifests": [secret(data={"a": CANARY})]}}
    (operation,) = jsonpatch.make_patch(before, after).patch

    assert shown(WORK, operation["path"], CANARY, before, after) == MASK
    assert shown(WORK, "/spec/manifests/0/metadata/annotations/a", CANARY, after) == MASK
    assert shown(WORK, "/spec/manifests", after["spec"]["manifests"]) == [secret(data={"a": MASK})]


@pytest.mark.parametrize("kind", ["ExternalSecret", "SealedSecret", "SopsSecret"])
def test_the_template_of_a_secret_is_hidden_and_references_are_not(kind: str) -> None:
    key = ObjectKey("example.com", kind, "shop", "login")
    reference = {"secretKey": "password", "remoteRef": {"key": "shop/login"}}

    assert shown(key, "/spec/template/data/a", CANARY) == MASK
    assert shown(key, "/spec/target/template", {"data": {"a": CANARY}}) == {"data": {"a": MASK}}
    assert shown(key, "/spec/secretTemplates/0/stringData/a", CANARY) == MASK
    assert shown(key, "/spec/data", [reference]) == [reference]
    assert shown(key, "/spec/data/0/remoteRef/key", "shop/login") == "shop/login"


def test_a_reference_to_a_secret_is_none() -> None:
    reference = {"apiVersion": "v1", "kind": "Secret", "name": "login"}

    assert shown(WORK, "/spec/ref", reference) == reference


ENV = [
    {"name": "TOKEN", "value": CANARY},
    {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "login", "key": "key"}}},
]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (f"{CONTAINER}/env/0/value", CANARY, MASK),
        (f"{CONTAINER}/env/-", ENV[0], {"name": "TOKEN", "value": MASK}),
        (f"{CONTAINER}/env", ENV, [{"name": "TOKEN", "value": MASK}, ENV[1]]),
        (f"{CONTAINER}/env/1/valueFrom", ENV[1]["valueFrom"], ENV[1]["valueFrom"]),
        (f"{CONTAINER}/env/1/valueFrom/secretKeyRef/name", "login", "login"),
        (f"{CONTAINER}/env/0/valueFrom", {"text": CANARY}, {"text": MASK}),
        (f"{CONTAINER}/env", [f"TOKEN={CANARY}"], [MASK]),
        (f"{CONTAINER}/env", {"TOKEN": CANARY, "name": CANARY}, {"TOKEN": MASK, "name": MASK}),
        (f"{CONTAINER}/env", f"TOKEN={CANARY}", MASK),
        (f"{CONTAINER}/extraEnvVars/0/value", CANARY, MASK),
        (CONTAINER, {"image": "web:1", "env": ENV[:1]}, None),
        ("/metadata/labels/env", "prod", "prod"),
        ("/spec/selector/matchLabels", {"env": "prod"}, {"env": "prod"}),
    ],
)
@pytest.mark.parametrize("key", [WEB, WORK])
def test_an_environment_variable_is_masked_and_its_name_is_shown(
    key: ObjectKey, path: str, value: Any, expected: Any
) -> None:
    expected = expected or {"image": "web:1", "env": [{"name": "TOKEN", "value": MASK}]}

    assert shown(key, path, value) == expected


@pytest.mark.parametrize(
    "name",
    ["kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original", "example.com/x"],
)
def test_a_copy_of_the_whole_object_in_an_annotation_is_masked(name: str) -> None:
    copy = f'{{"kind": "Deployment", "spec": "{CANARY}"}}'
    escaped = name.replace("/", "~1")

    assert shown(WEB, f"/metadata/annotations/{escaped}", copy) == MASK
    assert shown(WEB, "/metadata/annotations", {name: copy, "team": "shop"}) == {
        name: MASK,
        "team": "shop",
    }


def test_ordinary_values_are_shown_and_long_ones_are_cut() -> None:
    assert shown(SETTINGS, "/data/colour", "red") == "red"
    assert shown(SETTINGS, "/data/colour", "x" * 5000).endswith("(5000 characters)")


def test_in_a_whole_object_no_mask_is_a_text_that_a_server_would_take() -> None:
    web = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"template": {"spec": {"containers": [{"name": "web", "env": ENV}]}}},
    }

    body = masked_body(secret(data={"a": "eA=="}, stringData={"b": None}, type="Opaque"))
    assert body == secret(data={"a": HIDDEN}, stringData={"b": HIDDEN}, type="Opaque")
    (container,) = masked_body(web)["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "web", "env": [{"name": "TOKEN", "value": HIDDEN}, ENV[1]]}


def test_a_secret_without_data_and_an_ordinary_object_stay_as_they_are() -> None:
    for body in (secret(), secret(data=None), {"kind": "ConfigMap", "data": {"a": "x" * 5000}}):
        assert masked_body(body).get("data") in (body.get("data"), HIDDEN)
        assert masked_body(body)["kind"] == body["kind"]


_JSON = st.recursive(
    st.sampled_from([None, True, 7, CANARY]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "env", "items", "kind", "metadata", "annotations", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.fixed_dictionaries({"data": _JSON, "stringData": _JSON, "other": _JSON}))
def test_whatever_stands_in_a_secret_is_hidden(fields: dict[str, Any]) -> None:
    body = secret(**fields)
    patch = jsonpatch.make_patch(secret(), body).patch

    assert CANARY not in repr(masked_body(body))
    assert CANARY not in repr(masked_body({"kind": "List", "items": [body]}))
    assert CANARY not in repr(masked_body({"kind": "Work", "spec": {"of": [body]}}))
    assert CANARY not in repr(masked_patch(SECRET, patch))
    assert CANARY not in repr(masked_patch(SECRET, [{"op": "add", "path": "", "value": body}]))


@given(_JSON, st.lists(st.sampled_from(["data", "env", "0", "-", "x~1y", ""])))
def test_whatever_a_patch_holds_it_is_masked_and_keeps_its_paths(
    value: Any, steps: list[str]
) -> None:
    path = "".join(f"/{step}" for step in steps)
    for key in (SECRET, LIST, WEB, WORK, SETTINGS):
        (operation,) = masked_patch(key, [{"op": "add", "path": path, "value": value}])
        assert operation["path"] == path


def test_a_broken_operation_is_masked_too() -> None:
    for path in (None, 7, "no pointer"):
        assert CANARY not in repr(masked_patch(SECRET, [{"path": path, "value": CANARY}]))


def test_values_that_a_server_prints_into_messages_are_scrubbed() -> None:
    text = 'spec: Invalid value: core.PodTemplateSpec{A:core.B{C:"tide"}}: field is immutable'

    assert "tide" not in scrub(text)
    assert scrub(text).endswith("field is immutable")
    assert "tide" not in scrub(
        '.data.a: expected string, got &value.valueUnstructured{Value:"tide"}'
    )
    assert "tide" not in scrub('x: Invalid value: "a \\" tide": too odd')


@given(st.text())
def test_a_message_is_one_line_of_bounded_length(text: str) -> None:
    assert len(cut(text)) <= MESSAGE_LIMIT
    assert "\n" not in cut(text)
    assert len(scrub(text)) <= MESSAGE_LIMIT


def test_an_endless_or_broken_message_is_scrubbed_too() -> None:
    for text in ("x" * 16_384, "." * 16_384, "{" * 16_384, 'Invalid value: "' + "tide " * 3000):
        assert "tide" not in scrub(text)
