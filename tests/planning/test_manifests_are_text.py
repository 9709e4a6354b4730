"""A manifest keeps what it says as text, and gives it back as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.errors import InvalidManifest
from shoal.model.digests import Digester, canonical
from shoal.model.identity import ObjectKey
from shoal.model.manifests import Manifest
from shoal.planning.overriding import content

NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(-9, 9)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text()
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below) | st.dictionaries(st.text(), below), max_leaves=8
)


@given(st.dictionaries(st.text(), VALUES))
def test_a_body_comes_back_as_it_was(body: dict[str, Any]) -> None:
    manifest = Manifest(body, "a.yaml:1")

    assert manifest.body == body
    assert manifest.text == canonical(body)
    assert Manifest(manifest.body, "a.yaml:1") == manifest


def test_looks_inside_do_not_share() -> None:
    manifest = Manifest({"kind": "ConfigMap", "data": {"a": "1"}}, "a.yaml:1")
    dict(manifest.body)["data"]["a"] = "2"

    assert manifest.body["data"] == {"a": "1"}


def test_what_it_is_stands_beside_the_text() -> None:
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"a": "b"}},
    }
    manifest = Manifest(body, "a.yaml:1")
    moved = manifest.moved("apps/a.yaml:1")

    assert manifest.key == ObjectKey("apps", "Deployment", "shop", "web")
    assert manifest.labels == {"a": "b"}
    assert (moved.text, moved.key, moved.origin) == (manifest.text, manifest.key, "apps/a.yaml:1")


@pytest.mark.parametrize("metadata", [None, [], "text", {"name": None}, {}])
def test_what_does_not_say_what_it_is_has_empty_parts(metadata: Any) -> None:
    assert Manifest({"metadata": metadata}, "").key == ObjectKey("", "", "", "")


@pytest.mark.parametrize("body", [{"big": 2**70}, {"spec": {1: "x"}}, {"spec": "\ud800"}])
def test_what_is_not_json_is_refused_with_its_place(body: dict[str, Any]) -> None:
    named = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **body}

    with pytest.raises(InvalidManifest) as raised:
        Manifest(named, "a.yaml:1")
    assert raised.value.message.startswith("ConfigMap a (a.yaml:1): not JSON, for ")
    assert raised.value.next_step == "correct it in the source"


def test_a_secret_is_not_shown() -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "stringData": {"password": "hunter2"}}

    assert "hunter2" not in repr(Manifest(body, "a.yaml:1"))


def test_the_digest_of_a_set_is_the_one_that_was_stored_before() -> None:
    """Another one would send every target of every fleet through a sync at the next start."""
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
    manifests = [Manifest(body, f"f{at}.yaml:1") for at, body in enumerate(bodies)]

    digest = "ce869dd4960d62f0cf08cd660afa29a248d2f199ec32a6cd020eee69fca1fda6"
    assert content(manifests, Digester(b"key")).digest == digest
