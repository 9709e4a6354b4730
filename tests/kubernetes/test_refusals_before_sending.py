"""What is refused before it is sent: every fault of one object at once, by its path."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.kubernetes.samples import config_map, deployment, key_of, prepared, secret

from shoal.errors import InvalidManifest, MissingApi
from shoal_clusters.kubernetes.checking import (
    ANNOTATIONS_LIMIT,
    DATA_LIMIT,
    REQUEST_LIMIT,
    at_path,
    complaints,
    pod_spec_path,
    too_large,
)

HOOKS = "admissionregistration.k8s.io"


def faults(body: dict[str, Any], kind: str = "", group: str = "") -> list[str]:
    return complaints(group, kind or body["kind"], {"metadata": {}, **body})


def pod(**spec: Any) -> dict[str, Any]:
    return {"kind": "Pod", "spec": spec}


@pytest.mark.parametrize(
    ("group", "kind", "path"),
    [
        ("", "Pod", "spec"),
        ("", "PodTemplate", "template.spec"),
        ("", "ReplicationController", "spec.template.spec"),
        ("apps", "Deployment", "spec.template.spec"),
        ("apps", "StatefulSet", "spec.template.spec"),
        ("apps", "DaemonSet", "spec.template.spec"),
        ("apps", "ReplicaSet", "spec.template.spec"),
        ("batch", "Job", "spec.template.spec"),
        ("batch", "CronJob", "spec.jobTemplate.spec.template.spec"),
    ],
)
def test_a_kind_with_a_pod_template_is_looked_into(group: str, kind: str, path: str) -> None:
    body: dict[str, Any] = {"containers": [{"name": "a"}, {"name": "a"}]}
    for step in reversed(path.split(".")):
        body = {step: body}

    assert pod_spec_path(group, kind) == tuple(path.split("."))
    assert faults(body, kind, group) == [
        f"{path}.containers[1]: the same name a as {path}.containers[0]"
    ]
    assert faults(body, kind, "example.com") == []


def test_a_kind_without_a_pod_template_is_not_looked_into() -> None:
    assert pod_spec_path("apps", "ControllerRevision") is None
    assert faults({"spec": {"containers": [{"name": "a"}] * 2}}, "ConfigMap") == []


@pytest.mark.parametrize(
    ("field", "one"),
    [
        ("containers", {"name": "a"}),
        ("initContainers", {"name": "a"}),
        ("ephemeralContainers", {"name": "a"}),
        ("volumes", {"name": "a"}),
        ("imagePullSecrets", {"name": "a"}),
        ("hostAliases", {"ip": "10.0.0.1"}),
        (
            "topologySpreadConstraints",
            {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
        ),
        ("schedulingGates", {"name": "a"}),
        ("resourceClaims", {"name": "a"}),
    ],
)
def test_two_items_of_a_pods_list_may_not_have_one_key(field: str, one: dict[str, str]) -> None:
    others = [{**one, key: "other"} for key in one]
    said = ", ".join(f"{key} {value}" for key, value in one.items())

    assert faults(pod(**{field: [one, *others, one]})) == [
        f"spec.{field}[{len(others) + 1}]: the same {said} as spec.{field}[0]"
    ]


@pytest.mark.parametrize("containers", ["containers", "initContainers", "ephemeralContainers"])
@pytest.mark.parametrize(
    ("field", "items", "said"),
    [
        ("ports", [{"containerPort": 1}, {"containerPort": 1}], "containerPort 1, protocol TCP"),
        ("env", [{"name": "A"}, {"name": "A"}], "name A"),
        ("volumeMounts", [{"mountPath": "/a"}, {"mountPath": "/a"}], "mountPath /a"),
        ("volumeDevices", [{"devicePath": "/a"}, {"devicePath": "/a"}], "devicePath /a"),
        ("env", [{}, {}], "name (none)"),
    ],
)
def test_two_items_of_a_containers_list_may_not_have_one_key(
    containers: str, field: str, items: list[Any], said: str
) -> None:
    where = f"spec.{containers}[1].{field}"

    assert faults(pod(**{containers: [{"name": "a"}, {"name": "b", field: items}]})) == [
        f"{where}[1]: the same {said} as {where}[0]"
    ]


def test_one_port_may_be_open_for_two_protocols() -> None:
    ports = [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]

    assert faults(pod(containers=[{"name": "a", "ports": ports}])) == []


def test_the_ports_of_a_service_and_the_webhooks_of_a_configuration_have_keys() -> None:
    ports = [{"port": 80}, {"port": 80, "protocol": "UDP"}, {"port": 80, "protocol": "TCP"}]
    webhooks = [{"name": "a"}, {"name": "b"}, {"name": "b"}]

    assert faults({"spec": {"ports": ports}}, "Service") == [
        "spec.ports[2]: the same port 80, protocol TCP as spec.ports[0]"
    ]
    assert faults({"spec": {"ports": ports}}, "Service", "serving.knative.dev") == []
    assert faults({"webhooks": webhooks}, "MutatingWebhookConfiguration", HOOKS) == [
        "webhooks[2]: the same name b as webhooks[1]"
    ]
    assert faults({"webhooks": webhooks}, "Hooks", "example.com") == []


@pytest.mark.parametrize(
    "spec",
    [
        None,
        "text",
        {"containers": "text"},
        {"containers": {"name": "a"}},
        {"containers": ["a", "a", None, None]},
        {"containers": [{"name": "a", "env": "text"}]},
        {"containers": [{"name": "a", "env": ["A", "A"]}]},
    ],
)
def test_what_is_no_list_of_mappings_has_no_duplicates(spec: Any) -> None:
    assert faults({"spec": spec}, "Pod") == []


def test_what_is_no_mapping_hides_no_duplicate_behind_it() -> None:
    (fault,) = faults(pod(volumes=["text", {"name": "a"}, None, {"name": "a"}]))

    assert fault == "spec.volumes[3]: the same name a as spec.volumes[1]"


def test_every_fault_of_an_object_is_told() -> None:
    body = {
        "kind": "Secret",
        "metadata": {"labels": ["a"], "annotations": {"b": 1, "c": "x", "shoal.dev/fleet": 2}},
        "sops": {"version": "3"},
        "data": {"d": "~", "e": 1, "f": None},
        "stringData": ["g"],
    }

    assert faults(body) == [
        "metadata.labels: expected a mapping",
        "metadata.annotations.b: expected text, so put it in quotes",
        "metadata.annotations.shoal.dev/fleet: expected text, so put it in quotes",
        "metadata.annotations.shoal.dev/fleet: Shoal's own mark, which may not stand in a source",
        "sops: still encrypted by SOPS, and nothing here decrypts it",
        "data.d: not base64",
        "data.e: expected text, so put it in quotes",
        "stringData: expected a mapping",
    ]


@pytest.mark.parametrize("mark", ["shoal.dev/fleet", "shoal.dev/application", "shoal.dev/owner"])
@pytest.mark.parametrize("part", ["labels", "annotations"])
def test_no_mark_of_ours_may_stand_in_a_source(part: str, mark: str) -> None:
    (fault,) = faults({"kind": "ConfigMap", "metadata": {part: {mark: "x"}}})

    assert fault.startswith(f"metadata.{part}.{mark}: Shoal's own mark")


@pytest.mark.parametrize(
    ("sops", "is_encrypted"),
    [
        ({"mac": "x"}, True),
        ({"version": "3"}, True),
        ({"other": 1}, False),
        ({}, False),
        ("mac", False),
        (None, False),
    ],
)
def test_an_object_is_encrypted_when_sops_left_its_mark(sops: Any, is_encrypted: bool) -> None:
    assert bool(faults({"kind": "ConfigMap", "sops": sops})) == is_encrypted


@pytest.mark.parametrize(
    "value", ["", "eA==", "eHg=", "e\nA=\r\n=\n", base64.b64encode(b"x" * 100).decode()]
)
def test_base64_may_be_broken_into_lines(value: str) -> None:
    assert faults({"kind": "Secret", "data": {"a": value}}) == []
    assert faults({"kind": "ConfigMap", "binaryData": {"a": value}}) == []


@pytest.mark.parametrize("value", ["eA", "e A==", "eA==!", "ä", "=eA="])
def test_what_a_server_could_not_decode_is_no_base64(value: str) -> None:
    assert faults({"kind": "Secret", "data": {"a": value}}) == ["data.a: not base64"]
    assert faults({"kind": "ConfigMap", "binaryData": {"a": value}}) == ["binaryData.a: not base64"]
    assert faults({"kind": "Secret", "stringData": {"a": value}}) == []
    assert faults({"kind": "ConfigMap", "data": {"a": value}}) == []


def test_a_kind_of_the_same_name_in_another_group_may_hold_anything() -> None:
    assert faults({"data": {"a": 1}}, "Secret", "example.com") == []
    assert faults({"data": {"a": 1}}, "Other") == []
    assert faults({"kind": "Secret", "binaryData": {"a": "~"}, "data": None}) == []


def test_all_values_together_have_room_in_a_mebibyte_of_bytes() -> None:
    half = "x" * (DATA_LIMIT // 2)
    more, encoded = f"{half}x", base64.b64encode(half.encode()).decode()
    said = ["data: 1048577 bytes of values, and Kubernetes takes 1048576"]

    assert faults({"kind": "ConfigMap", "data": {"a": half, "b": half}}) == []
    assert faults({"kind": "ConfigMap", "data": {"a": half, "b": f"{half}x"}}) == said
    assert faults(
        {"kind": "ConfigMap", "data": {"a": f"{half}x"}, "binaryData": {"b": encoded}}
    ) == (said)
    assert faults({"kind": "Secret", "data": {"a": encoded}, "stringData": {"b": half}}) == []
    assert faults({"kind": "Secret", "data": {"a": encoded}, "stringData": {"b": more}}) == said
    assert faults({"kind": "ConfigMap", "data": {"a": "ä" * (DATA_LIMIT // 2) + "x"}}) == said


def test_annotations_and_the_request_have_limits_of_their_own() -> None:
    at_most = {"metadata": {"annotations": {"ä": "ä" * (ANNOTATIONS_LIMIT // 2 - 1)}}}
    too_much = {"metadata": {"annotations": {"ä": "ä" * (ANNOTATIONS_LIMIT // 2 - 1), "a": ""}}}

    assert too_large(at_most, b"x" * REQUEST_LIMIT) == []
    assert too_large({"metadata": {"annotations": None}}, b"") == []
    assert too_large(too_much, b"x" * (REQUEST_LIMIT + 1)) == [
        "metadata.annotations: 262145 bytes, and Kubernetes takes 262144",
        "the object: 3145729 bytes, and Kubernetes takes 3145728",
    ]


def test_a_path_leads_through_mappings_alone() -> None:
    assert at_path({"a": {"b": 1}}, ("a", "b")) == 1
    assert at_path({"a": ["b"]}, ("a", "b")) is None
    assert at_path({}, ("a", "b")) is None
    assert at_path("a", ()) == "a"


def refusal(body: dict[str, Any]) -> str:
    (error,) = prepared(body).refused.values()
    assert isinstance(error, InvalidManifest)
    assert error.next_step == "correct it in the source"
    return error.message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {},
            "object without a kind file-0.yaml: "
            "apiVersion: missing; kind: missing; metadata: missing",
        ),
        (
            {"apiVersion": 1, "kind": "X", "metadata": []},
            "X file-0.yaml: apiVersion: missing; metadata: missing",
        ),
        (
            {"apiVersion": "a.io/v1", "kind": "X", "metadata": {"namespace": 1}},
            "X.a.io file-0.yaml: metadata.namespace: expected text, so put it in quotes; "
            "metadata.name: missing",
        ),
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-", "name": "x"}},
            "Pod file-0.yaml: metadata.generateName: would make a new object at each sync; "
            "use a name",
        ),
    ],
)
def test_an_object_that_does_not_say_which_it_is_is_named_by_its_place(
    body: dict[str, Any], said: str
) -> None:
    assert refusal(body) == said


def test_an_object_that_says_which_it_is_is_named_with_its_place() -> None:
    assert refusal({**config_map(), "data": {"a": 1}}) == (
        "ConfigMap default/settings (file-0.yaml): data.a: expected text, so put it in quotes"
    )


def test_a_kind_that_the_cluster_does_not_serve_says_what_is_missing() -> None:
    fish = {"apiVersion": "example.com/v2", "kind": "Fish", "metadata": {"name": "cod"}}

    ((key, error),) = prepared(fish).refused.items()

    assert isinstance(error, MissingApi)
    assert key.kind == "Fish"
    assert error.message == (
        "Fish.example.com cod (file-0.yaml): the cluster does not serve Fish in example.com/v2"
    )
    assert error.next_step == "install what provides it, or correct apiVersion and kind"


def test_what_is_defined_three_times_is_refused_with_all_places() -> None:
    result = prepared(config_map(a="1"), secret(), config_map(b="2"), config_map(c="3"))

    assert result.refused[key_of(config_map())].message == (
        "ConfigMap default/settings is defined 3 times: file-0.yaml, file-2.yaml, file-3.yaml"
    )
    assert [key.kind for key in result.objects] == ["Secret"]


def test_items_of_a_list_are_named_by_their_place_in_it() -> None:
    items = [config_map(), "text", {**secret(), "data": {"a": 1}}]

    refused = prepared({"apiVersion": "v1", "kind": "List", "items": items}).refused

    assert [error.message.partition(": ")[0] for error in refused.values()] == [
        "object without a kind file-0.yaml (item 2)",
        "Secret default/login (file-0.yaml (item 3))",
    ]


@pytest.mark.parametrize(
    "body", [{**config_map(), "items": []}, {**config_map(), "kind": "PriceList", "items": None}]
)
def test_only_a_list_with_items_is_taken_apart(body: dict[str, Any]) -> None:
    assert len(prepared(body).objects) == 1


def test_an_object_whose_template_is_in_order_is_not_refused() -> None:
    assert faults(deployment(), group="apps") == []
