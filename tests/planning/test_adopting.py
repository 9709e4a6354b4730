"""An override that makes Git say what is live, or a sentence why there is none."""

from __future__ import annotations

from typing import Any

import pytest

from shoal.model.identity import ObjectKey
from shoal.model.manifests import Manifest
from shoal.model.overrides import Override
from shoal.model.plans import Content
from shoal.planning.adopting import exclusion_of, override_for, why_not
from shoal.planning.overriding import override

KEY = ObjectKey("apps", "Deployment", "shop", "web")
BODY: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "replicas": 3,
        "paused": True,
        "template": {"spec": {"containers": [{"name": "app", "image": "web:1"}]}},
    },
}
MANIFESTS = (Manifest(BODY, "web.yaml:1"), Manifest({**BODY, "kind": "StatefulSet"}, "web.yaml:9"))
CONTENT = Content("", MANIFESTS)
IMAGE = "/spec/template/spec/containers/0/image"


def op(kind: str, path: str, **rest: Any) -> dict[str, Any]:
    return {"op": kind, "path": path, **rest}


def after(entry: dict[str, Any] | None) -> dict[str, Any]:
    assert entry is not None
    overrides = (Override.model_validate(entry),)
    made = override(MANIFESTS, overrides, indexes=(0,), look=lambda name: name)
    assert made[1] is MANIFESTS[1]
    return dict(made[0].body)


def test_fields_become_a_merge_patch_that_people_read() -> None:
    patch = [
        op("test", "/spec/replicas", value=3),
        op("replace", "/spec/replicas", value=5),
        op("remove", "/spec/paused"),
        op("add", "/metadata/labels", value={"a": "b"}),
    ]

    entry = override_for(KEY, patch, {"matchLabels": {"env": "dev"}}, CONTENT)

    assert entry is not None
    assert entry["clusterSelector"] == {"matchLabels": {"env": "dev"}}
    assert entry["merge"][0]["patch"] == {
        "spec": {"replicas": 5, "paused": None},
        "metadata": {"labels": {"a": "b"}},
    }
    assert after(entry)["spec"]["replicas"] == 5
    assert "paused" not in after(entry)["spec"]


def test_what_is_below_something_that_git_does_not_have_fits_too() -> None:
    entry = override_for(KEY, [op("add", "/metadata/labels/a", value="b")], {}, CONTENT)

    assert after(entry)["metadata"]["labels"] == {"a": "b"}


def test_items_of_lists_are_a_json_patch() -> None:
    patch = [op("test", IMAGE, value="web:1"), op("replace", IMAGE, value="web:2")]

    entry = override_for(KEY, patch, {}, CONTENT)

    assert entry is not None
    assert entry["patches"][0]["operations"] == [op("replace", IMAGE, value="web:2")]
    assert after(entry)["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2"


@pytest.mark.parametrize(
    "patch",
    [
        [op("replace", "/spec/template/spec/containers/7/image", value="x")],
        [op("replace", "/metadata/name", value="other")],
        [op("add", "/spec/x", value="${cluster.name}")],
    ],
)
def test_what_does_not_fit_is_no_advice(patch: list[dict[str, Any]]) -> None:
    assert override_for(KEY, patch, {}, CONTENT) is None


def test_an_object_that_is_gone_is_excluded() -> None:
    entry = exclusion_of(KEY, {}, CONTENT)

    assert entry is not None
    assert entry["exclude"] == [
        {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}
    ]
    assert exclusion_of(KEY, {}, Content("", MANIFESTS[:1])) is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (ObjectKey("", "Secret", "shop", "login"), "x", "a Secret are never shown"),
        (KEY, "***", "may be a secret"),
        (KEY, {"env": [{"name": "A", "value": "***"}]}, "may be a secret"),
        (KEY, "abc… (2000 characters)", "too long to be shown"),
        (KEY, "web:2", ""),
        (KEY, 5, ""),
    ],
)
def test_what_may_be_a_secret_is_refused_with_a_sentence(
    key: ObjectKey, value: Any, said: str
) -> None:
    found = why_not(key, [op("replace", "/spec/x", value=value), op("remove", "/spec/y")])

    assert said in found
    assert bool(found) == bool(said)


def test_an_object_written_without_its_namespace_is_selected_as_it_is_written() -> None:
    body = {**BODY, "metadata": {"name": "web"}}
    content = Content("", (Manifest(body, "web.yaml:1"), MANIFESTS[1]))

    entry = override_for(KEY, [op("replace", "/spec/replicas", value=5)], {}, content)

    assert entry is not None
    assert entry["merge"][0]["target"] == {"group": "apps", "kind": "Deployment", "name": "web"}
    assert exclusion_of(KEY, {}, content) == {
        "clusterSelector": {},
        "exclude": [{"group": "apps", "kind": "Deployment", "name": "web"}],
    }
