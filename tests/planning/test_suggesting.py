"""Rules and selectors that say exactly what was asked for, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.identity import ObjectKey
from shoal.model.policies import IgnoreRule
from shoal.model.selectors import LabelSelector
from shoal.planning.suggesting import cluster_selector, ignore_rules, object_selector

WEB = ObjectKey("apps", "Deployment", "shop", "web")
BODY: dict[str, Any] = {
    "metadata": {"labels": {"a.io/b": "x"}},
    "spec": {
        "replicas": 3,
        "template": {"spec": {"containers": [{"name": "app", "args": ["a"], "image": "x"}]}},
    },
}
TARGET = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}


def paths(*pointers: str, op: str = "replace") -> list[str]:
    rules = ignore_rules(WEB, [{"op": op, "path": each, "value": 1} for each in pointers], BODY)
    assert all(IgnoreRule.model_validate(rule) for rule in rules)
    return [rule["path"] for rule in rules]


def test_a_rule_names_the_object_and_the_field() -> None:
    (rule,) = ignore_rules(WEB, [{"op": "replace", "path": "/spec/replicas", "value": 3}], BODY)

    assert rule == {"target": TARGET, "path": "/spec/replicas"}


def test_an_object_of_no_namespace_and_of_the_core_group_is_named_too() -> None:
    assert object_selector(ObjectKey("", "Namespace", "", "shop")) == {
        "kind": "Namespace",
        "name": "shop",
    }


def test_items_of_lists_are_named_and_not_counted() -> None:
    assert paths("/spec/template/spec/containers/0/image") == [
        "/spec/template/spec/containers/name=app/image"
    ]


def test_what_is_below_another_path_needs_no_rule_of_its_own() -> None:
    assert paths("/spec/template", "/spec/template/spec", "/spec/replicas") == [
        "/spec/template",
        "/spec/replicas",
    ]


def test_what_only_proves_or_is_read_makes_no_rule() -> None:
    assert paths("/spec/replicas", op="test") == []


@pytest.mark.parametrize(
    "pointer",
    [
        "",
        "/metadata",
        "/metadata/name",
        "/kind",
        "/spec/template/spec/containers/1",
        "/spec/template/spec/containers/-",
        "/spec/template/spec/containers/0/args/0",
    ],
)
def test_where_the_field_cannot_be_named_nothing_is_suggested(pointer: str) -> None:
    assert paths(pointer) == []
    assert paths("/spec/replicas", pointer) == []


def test_escaped_steps_stay_as_they_are() -> None:
    assert paths("/metadata/labels/a.io~1b") == ["/metadata/labels/a.io~1b"]


FLEET = {
    "dev": {"env": "dev", "region": "eu"},
    "eu-1": {"env": "prod", "region": "eu"},
    "us-1": {"env": "prod", "region": "us"},
    "us-2": {"env": "prod", "region": "us", "tier": "gold"},
}


@pytest.mark.parametrize(
    ("chosen", "selector"),
    [
        (set(FLEET), {}),
        ({"dev"}, {"matchLabels": {"env": "dev"}}),
        ({"us-1", "us-2"}, {"matchLabels": {"region": "us"}}),
        ({"us-2"}, {"matchLabels": {"tier": "gold"}}),
        ({"eu-1"}, {"matchLabels": {"env": "prod", "region": "eu"}}),
        ({"us-1"}, None),
    ],
)
def test_clusters_are_named_by_labels_that_no_other_has(chosen: set[str], selector: Any) -> None:
    assert cluster_selector(chosen, FLEET) == selector


def test_a_label_with_several_values_will_do() -> None:
    fleet = {"a": {"zone": "1"}, "b": {"zone": "2"}, "c": {"zone": "3"}}

    assert cluster_selector({"a", "b"}, fleet) == {
        "matchExpressions": [{"key": "zone", "operator": "In", "values": ["1", "2"]}]
    }


LABELS = st.dictionaries(st.sampled_from("kl"), st.sampled_from("xyz"), max_size=2)
FLEETS = st.dictionaries(st.sampled_from("abcdef"), LABELS, min_size=1)


@given(FLEETS, st.data())
def test_a_selector_selects_exactly_what_was_chosen(
    fleet: dict[str, dict[str, str]], data: st.DataObject
) -> None:
    chosen = data.draw(st.sets(st.sampled_from(sorted(fleet)), min_size=1))

    found = cluster_selector(chosen, fleet)

    if found is not None:
        selector = LabelSelector.model_validate(found)
        assert {name for name, labels in fleet.items() if selector.matches(labels)} == chosen
