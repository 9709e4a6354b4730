"""Selectors: what they select, how they are said in words, and what was probably meant."""

from __future__ import annotations

from typing import Any

import pytest

from shoal.model.manifests import Manifest
from shoal.model.overrides import ObjectSelector
from shoal.planning.selecting import described, meant, selects


def selector(**parts: Any) -> ObjectSelector:
    return ObjectSelector.model_validate(parts)


def an_object(
    kind: str = "Deployment", name: str = "web", *, group: str = "apps", namespace: str = "shop"
) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    version = f"{group}/v1" if group else "v1"
    return Manifest({"apiVersion": version, "kind": kind, "metadata": metadata}, f"{name}.yaml:1")


WEB = an_object()


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"kind": "Deployment"},
        {"group": "apps"},
        {"namespace": "shop"},
        {"name": "web"},
        {"labelSelector": {"matchLabels": {"app": "web"}}},
        {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"},
    ],
)
def test_all_given_parts_must_hold(parts: dict[str, Any]) -> None:
    assert selects(selector(**parts), WEB)


@pytest.mark.parametrize(
    "parts",
    [
        {"kind": "deployment"},
        {"group": ""},
        {"namespace": ""},
        {"name": "we"},
        {"labelSelector": {"matchLabels": {"app": "api"}}},
        {"kind": "Deployment", "name": "api"},
        {"name": "web", "labelSelector": {"matchLabels": {"app": "api"}}},
    ],
)
def test_one_part_that_does_not_hold_is_enough(parts: dict[str, Any]) -> None:
    assert not selects(selector(**parts), WEB)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "(any object)"),
        ({"kind": "Job"}, "(kind Job)"),
        ({"group": "", "kind": "Pod", "name": "a"}, "(group core, kind Pod, name a)"),
        ({"group": "batch"}, "(group batch)"),
        ({"labelSelector": {"matchLabels": {"app": "a secret"}}}, "(labelSelector)"),
        ({"namespace": "x", "labelSelector": {}}, "(namespace x, labelSelector)"),
    ],
)
def test_a_selector_is_said_in_words_without_the_values_of_labels(
    parts: dict[str, Any], words: str
) -> None:
    assert described(selector(**parts)) == words


@pytest.mark.parametrize(
    ("parts", "hint"),
    [
        ({"kind": "Deploymnt"}, ", did you mean kind Deployment?"),
        ({"kind": "Deployment", "name": "wbe"}, ", did you mean name web?"),
        ({"kind": "Job", "name": "web"}, ""),
        ({"kind": "Service", "name": "web-sv"}, ", did you mean name web-svc?"),
        ({"group": "ap"}, ", did you mean group apps?"),
        ({"namespace": "shp"}, ", did you mean namespace shop?"),
        ({"name": "api"}, ""),
        ({"labelSelector": {"matchLabels": {"app": "none"}}}, ""),
        ({"kind": "Deployment", "labelSelector": {"matchLabels": {"app": "none"}}}, ""),
    ],
)
def test_what_was_meant_is_told_by_the_first_part_that_no_object_has(
    parts: dict[str, Any], hint: str
) -> None:
    objects = [WEB, an_object("Service", "web-svc", group="")]

    assert meant(selector(**parts), objects) == hint


def test_of_equally_near_names_the_same_is_told_each_time() -> None:
    objects = [an_object(name=name) for name in ("web-c", "web-b", "web-a", "web-d")]

    hints = {meant(selector(name="web-x"), order) for order in (objects, objects[::-1])}

    assert len(hints) == 1


def test_only_a_list_of_the_core_group_holds_objects() -> None:
    kind = selector(kind="Job")
    core = an_object("List", "all", group="")

    assert meant(kind, [core]).startswith(" (what stands inside the List of all.yaml:1")
    assert meant(kind, [an_object("List", "all", group="example.com")]) == ""
    assert meant(kind, [an_object("ConfigMap", "all", group="")]) == ""
