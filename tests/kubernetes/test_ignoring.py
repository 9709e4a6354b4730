"""Ignoring: what a path names, in an object and in a field set, and what is left without it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kubernetes.samples import deployment, fields_of, key_of

from shoal.model.pointers import steps_of
from shoal.model.policies import IgnoreRule
from shoal_clusters.kubernetes.ignoring import (
    BUILT_IN,
    cut,
    is_ignored,
    left_to_others,
    owned_at,
    values_at,
    with_live,
    without,
)

STEP = st.sampled_from(["a", "b", "*", "0", "name=x"])
STEPS = st.lists(STEP, min_size=1, max_size=4).map(tuple)
TREES = st.recursive(
    st.sampled_from([1, "x", None]),
    lambda below: (
        st.dictionaries(st.sampled_from(["a", "b", "name"]), below, max_size=3)
        | st.lists(below, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "name"]), TREES), STEPS)
def test_nothing_is_left_at_an_ignored_path_and_the_rest_is_untouched(
    body: dict[str, Any], steps: tuple[str, ...]
) -> None:
    before = copy.deepcopy(body)
    after = without(body, steps)

    assert body == before
    if not any(True for _ in values_at(body, steps)):
        assert after == body
    if "0" not in steps:  # an index names another item once the first one is gone
        assert not any(True for _ in values_at(after, steps))


@pytest.mark.parametrize(
    ("pointer", "gone"),
    [
        ("/spec/replicas", ["f:spec", "f:replicas"]),
        ("/metadata/labels/app", ["f:metadata", "f:labels", "f:app"]),
        (
            "/spec/template/spec/containers/name=app/image",
            [*("f:spec", "f:template", "f:spec", "f:containers"), 'k:{"name":"app"}', "f:image"],
        ),
        (
            "/spec/template/spec/containers/*/env",
            [*("f:spec", "f:template", "f:spec", "f:containers"), 'k:{"name":"app"}', "f:env"],
        ),
    ],
)
def test_a_path_names_the_same_in_an_object_and_in_its_field_set(
    pointer: str, gone: list[str]
) -> None:
    body = deployment()
    body["metadata"]["labels"]["other"] = "1"
    fields, steps = fields_of(body), steps_of(pointer)
    part = owned_at(fields, [steps])
    step: Any = part
    for element in gone:
        assert list(step) == [element]
        step = step[element]

    assert is_ignored([steps], gone)
    assert not is_ignored([steps], gone[:-1])
    assert owned_at(cut(fields, part), [steps]) == {}
    assert cut(fields, part) == fields_of(without(body, steps))


def test_our_marks_are_never_ignored() -> None:
    marks = {"f:shoal.dev/fleet": {}, "f:shoal.dev/application": {}, "f:mine": {}}

    part = owned_at({"f:metadata": {"f:labels": marks}}, [steps_of("/metadata/labels/*")])

    assert part == {"f:metadata": {"f:labels": {"f:mine": {}}}}


def test_a_rule_speaks_of_the_objects_it_selects_alone() -> None:
    rule = IgnoreRule.model_validate(
        {
            "target": {"kind": "Deployment", "labelSelector": {"matchLabels": {"app": "web"}}},
            "path": "/spec/replicas",
        }
    )
    body = deployment()
    other = {**body, "metadata": {**body["metadata"], "labels": {"app": "other"}}}

    assert left_to_others([rule], key_of(body), body)[0] == (("spec", "replicas"),)
    assert left_to_others([rule], key_of(other), other) == ((), other)


def test_a_certificate_of_git_is_kept_where_nobody_injects_one() -> None:
    body = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1.example.com"},
        "spec": {"caBundle": "Y2VydA==", "group": "example.com"},
    }
    asks = {"annotations": {"cert-manager.io/inject-ca-from": "a/b"}}
    injected = {**body, "metadata": {**body["metadata"], **asks}}

    assert left_to_others([], key_of(body), body) == ((), body)
    assert "caBundle" not in left_to_others([], key_of(body), injected)[1]["spec"]


def test_every_rule_for_everybody_has_its_reason() -> None:
    assert all(rule.reason for rule in BUILT_IN)


@pytest.mark.parametrize(
    ("pointer", "live", "expected"),
    [
        (
            "/spec/replicas",
            {"spec": {"replicas": 5, "other": 1}},
            {"spec": {"a": 1, "replicas": 5}},
        ),
        ("/data/x", {"data": {"x": 1, "y": 2}}, {"spec": {"a": 1}, "data": {"x": 1}}),
        ("/data/x", {"data": {"y": 2}}, {"spec": {"a": 1}}),
        ("/gone/x", {}, {"spec": {"a": 1}}),
    ],
)
def test_what_is_live_at_an_ignored_path_is_taken_along_when_an_object_is_sent_whole(
    pointer: str, live: Any, expected: Any
) -> None:
    assert with_live({"spec": {"a": 1}}, live, steps_of(pointer)) == expected


@pytest.mark.parametrize("step", ["name=app", "*"])
def test_items_that_are_sent_whole_keep_what_is_live_of_them_alone(step: str) -> None:
    body = {"list": [{"name": "app", "image": "2"}, {"name": "new"}]}
    live = {"list": [{"name": "old", "limit": 1}, {"name": "app", "image": "1", "limit": 3}]}

    assert with_live(body, live, ("list", step, "limit")) == {
        "list": [{"name": "app", "image": "2", "limit": 3}, {"name": "new"}]
    }
