"""Preparing: what is stripped, filled in, marked and refused."""

from __future__ import annotations

import base64
import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kubernetes.samples import (
    DIGESTER,
    FLEET,
    SHOP,
    config_map,
    deployment,
    key_of,
    prepared,
    scope_of,
    secret,
)

from shoal.errors import InvalidManifest, MissingApi
from shoal.model.digests import Digester, digest_value
from shoal.model.identity import ObjectKey, Ref
from shoal.model.manifests import Manifest
from shoal_clusters.kubernetes.marks import parse_owner_mark
from shoal_clusters.kubernetes.preparing import Scope, opened_without, prepare


def only_body(body: dict[str, Any]) -> Any:
    result = prepared(body)
    assert not result.refused, result.refused
    ((one),) = result.objects.values()
    return one.body


def refusal(*bodies: dict[str, Any]) -> str:
    result = prepared(*bodies)
    assert not result.objects
    (error,) = result.refused.values()
    assert isinstance(error, InvalidManifest)
    return str(error)


def with_metadata(body: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], **metadata}}


def test_what_the_server_owns_is_stripped() -> None:
    exported = with_metadata(
        config_map(),
        uid="u",
        resourceVersion="7",
        generation=2,
        creationTimestamp=None,
        selfLink="/x",
        managedFields=[],
        ownerReferences=[{"uid": "u"}],
        annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "yes"},
    )
    result = prepared({**exported, "status": {"phase": "x"}})
    (one,) = result.objects.values()

    assert set(one.body) == {"apiVersion", "kind", "metadata", "data"}
    assert set(one.body["metadata"]) == {"name", "namespace", "labels", "annotations"}
    assert set(one.body["metadata"]["annotations"]) == {"kept", "shoal.dev/owner"}
    assert "ownerReferences" in one.notes[0]


def test_a_crd_keeps_its_status() -> None:
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "fish.example.com"},
        "status": {"conditions": []},
    }

    assert "status" in only_body(crd)


def test_each_object_names_its_owner_and_itself() -> None:
    body = only_body(config_map())
    mark = parse_owner_mark(body["metadata"]["annotations"]["shoal.dev/owner"])

    assert mark is not None
    assert (mark.fleet, mark.application, mark.key) == (FLEET, SHOP, key_of(config_map()))
    assert body["metadata"]["labels"] == {
        "shoal.dev/fleet": FLEET,
        "shoal.dev/application": "default.shop",
    }


def test_a_list_is_flattened_however_deep() -> None:
    inner = {"apiVersion": "v1", "kind": "ConfigMapList", "items": [config_map("b")]}
    outer = {"apiVersion": "v1", "kind": "List", "items": [config_map("a"), inner]}

    assert sorted(key.name for key in prepared(outer).objects) == ["a", "b"]


def test_string_data_becomes_data_and_wins() -> None:
    body = only_body({**secret(a="new"), "data": {"a": "b2xk", "b": "b2xk"}})

    assert "stringData" not in body
    assert body["data"] == {"a": base64.b64encode(b"new").decode(), "b": "b2xk"}


def test_ports_get_their_default_protocol() -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]},
    }
    pod = only_body(deployment())["spec"]["template"]["spec"]

    assert pod["containers"][0]["ports"] == [{"containerPort": 8080, "protocol": "TCP"}]
    assert [port["protocol"] for port in only_body(service)["spec"]["ports"]] == ["TCP", "UDP"]


def test_a_namespaced_object_without_a_namespace_goes_to_default() -> None:
    body = with_metadata(config_map(), namespace=None)

    assert next(iter(prepared(body).objects)) == key_of(config_map())


def test_a_cluster_scoped_object_loses_its_namespace() -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "sea", "namespace": "default"},
    }

    assert next(iter(prepared(body).objects)) == ObjectKey("", "Namespace", "", "sea")
    assert "namespace" not in only_body(body)["metadata"]


def test_the_sets_own_crd_tells_the_scope_before_the_cluster_serves_it() -> None:
    fish = {"apiVersion": "example.com/v1", "kind": "Fish", "metadata": {"name": "cod"}}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "fish.example.com"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Fish"}},
    }

    assert ObjectKey("example.com", "Fish", "", "cod") in prepared(fish, crd).objects
    assert isinstance(next(iter(prepared(fish).refused.values())), MissingApi)


def test_one_bad_object_hides_no_other_and_says_where_it_stands() -> None:
    result = prepared(config_map("good"), with_metadata(config_map(), name=""), {"kind": "X"})

    assert [key.name for key in result.objects] == ["good"]
    assert len(result.refused) == 2
    assert all("file-" in str(error) for error in result.refused.values())


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"name": None}, "metadata.name: missing"),
        ({"name": 5}, "metadata.name: expected text"),
        ({"name": None, "generateName": "x-"}, "metadata.generateName"),
        ({"labels": {"a": 1}}, "metadata.labels.a: expected text"),
        ({"labels": {"shoal.dev/fleet": "x"}}, "Shoal's own mark"),
        ({"annotations": {"shoal.dev/owner": "x"}}, "Shoal's own mark"),
        ({"annotations": {"a": "x" * 262_144}}, "metadata.annotations: 262"),
    ],
)
def test_metadata_that_cannot_be_applied_is_refused(metadata: dict[str, Any], words: str) -> None:
    assert words in refusal(with_metadata(config_map(), **metadata))


def test_the_same_identity_twice_is_refused_naming_both_places() -> None:
    text = refusal(config_map(), with_metadata(config_map(), namespace=None))

    assert "file-0.yaml, file-1.yaml" in text


@pytest.mark.parametrize(
    ("field", "items", "where"),
    [
        ("env", [{"name": "A", "value": "s3cr3t"}, {"name": "A"}], "env[1]: the same name A"),
        ("ports", [{"containerPort": 1}, {"containerPort": 1, "protocol": "TCP"}], "ports[1]"),
        ("volumeMounts", [{"mountPath": "/a"}, {"mountPath": "/a"}], "volumeMounts[1]"),
    ],
)
def test_duplicate_keys_of_a_list_are_refused_with_their_path(
    field: str, items: list[Any], where: str
) -> None:
    body = deployment()
    body["spec"]["template"]["spec"]["containers"][0][field] = items

    text = refusal(body)

    assert f"spec.template.spec.containers[0].{where}" in text
    assert "s3cr3t" not in text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**secret(), "sops": {"mac": "ENC[…]", "version": "3"}}, "encrypted by SOPS"),
        ({**secret(), "data": {"a": "not base64!"}}, "data.a: not base64"),
        ({**config_map(), "data": {"a": 5}}, "data.a: expected text"),
        (config_map(a="x" * 1_048_577), "1048577 bytes"),
        (
            {**deployment(), "spec": {"description": "x" * 3_200_000}},
            "Kubernetes takes 3145728",
        ),
    ],
)
def test_content_that_cannot_be_applied_is_refused(body: dict[str, Any], words: str) -> None:
    text = refusal(body)

    assert words in text
    assert len(text) < 400


def test_the_digest_of_a_secret_is_keyed_and_its_values_stay_out_of_messages() -> None:
    (one,) = prepared(secret()).objects.values()

    assert one.digest != digest_value(one.body)
    assert "hunter2" not in repr(one)


STORED = {
    "settings": "2068985159efc1652bfd6601eede9412f1b49b5538040700736cdcf41bcd8b28",
    "password": "d26593165b0fc353d69b34de85db22137c9a41400bf6c7c839ae0a2a1e1ef02c",
    "web": "2cd31f01ab903ec5d86b39d92ddb2653396350c150a6d043f14124bf7bf4e355",
}
"""Digests as Shoal stored them when prepared bodies were trees."""


def test_digests_are_the_ones_that_were_stored_before() -> None:
    """Others would send every object again at the next start."""
    container = {"name": "m", "image": "i", "ports": [{"containerPort": 80}]}
    bodies: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "uid": "u", "labels": {"z": "1", "a": "2"}},
            "data": {"b": "ü", "a": "1"},
            "status": {"x": 1},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "password", "namespace": "shop"},
            "stringData": {"p": "q"},
            "data": {"o": "eA=="},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "annotations": {"a": "b"}},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [container]}}},
            "zeta": 1.5,
        },
    ]
    result = prepare(
        [Manifest(body, "one.yaml") for body in bodies],
        fleet="demo",
        application=Ref("default", "shop"),
        scope=lambda api_version, kind: Scope.NAMESPACED,
        digester=Digester(b"key"),
    )

    assert {key.name: one.digest for key, one in result.objects.items()} == STORED


def test_one_field_can_be_left_out_of_what_is_sent() -> None:
    (one,) = prepared(deployment()).objects.values()
    sent = orjson.loads(opened_without(one, ("spec", "replicas")) + b"}}")

    assert "replicas" not in sent["spec"]
    assert sent["spec"]["selector"] == one.body["spec"]["selector"]
    assert one.body["spec"]["replicas"] == 3


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "ports", "env", "name", "items"]), below, max_size=3
        )
    ),
    max_leaves=12,
)
bodies = st.builds(
    lambda base, extra, spec: {**base, **extra, "spec": spec},
    st.sampled_from([config_map(), secret(), deployment()]),
    st.dictionaries(st.sampled_from(["metadata", "data", "status", "kind"]), json_values),
    json_values,
)


@given(st.lists(bodies, max_size=4))
def test_preparing_never_fails_and_never_changes_what_it_was_given(
    found: list[dict[str, Any]],
) -> None:
    before = copy.deepcopy(found)

    result = prepared(*found)

    assert found == before
    assert not set(result.objects) & set(result.refused)


@given(bodies)
def test_what_is_sent_is_the_marked_body_and_takes_a_precondition(body: dict[str, Any]) -> None:
    for one in prepared(body).objects.values():
        sent = orjson.loads(one.opened + b',"uid":"u"}}')

        assert sent.pop("metadata") == {**one.body["metadata"], "uid": "u"}
        assert sent == {name: value for name, value in one.body.items() if name != "metadata"}
        assert one.digest == DIGESTER.digest(one.key.group, one.key.kind, one.body)


@given(bodies)
def test_preparing_what_was_prepared_changes_nothing_but_meets_its_own_marks(
    body: dict[str, Any],
) -> None:
    for key, one in prepared(body).objects.items():
        unmarked = copy.deepcopy(dict(one.body))
        for part in ("labels", "annotations"):
            entries = unmarked["metadata"][part]
            for name in [name for name in entries if name.startswith("shoal.dev/")]:
                del entries[name]

        again = prepared(unmarked)

        assert again.objects[key].body == one.body
        assert again.objects[key].digest == one.digest


@given(st.permutations([config_map("a"), config_map("b"), secret(), deployment(), config_map("a")]))
def test_the_order_of_manifests_does_not_count(found: list[dict[str, Any]]) -> None:
    manifests = [Manifest(body, "one.yaml") for body in found]

    result = prepare(manifests, fleet=FLEET, application=SHOP, scope=scope_of, digester=DIGESTER)

    assert {key.name for key in result.objects} == {"b", "login", "web"}
    assert {key.name for key in result.refused} == {"a"}
