"""Facts put into the parts of an override: all that is missing is told, with its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shoal.errors import OverrideFailed
from shoal.model.facts import DocumentFacts
from shoal.model.manifests import Manifest
from shoal.model.overrides import ImageOverride, ObjectSelector, Override
from shoal.planning.grounding import grounded, grounded_each, grounded_spec
from shoal.planning.overriding import facts_of, override, values_of
from shoal.planning.patching import PatchFailed

LOOK = DocumentFacts(
    "eu-1",
    {"region": "eu"},
    {"tag": "1.2", "number": 2, "zones": ["a"], "sly": "${cluster.name}", "empty": ""},
).look


def fact(name: str) -> str:
    return f"${{cluster.{name}}}"


def overriding(**parts: Any) -> Override:
    return Override.model_validate({"clusterSelector": {}, **parts})


def refusal(act: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(PatchFailed) as caught:
        act()
    return caught.value.where, caught.value.reason


def test_every_missing_fact_is_told_in_order_with_the_place_that_was_given() -> None:
    value = {"a": fact("labels.zone"), "b": [fact("labels.name")], "c": fact("name")}

    assert refusal(lambda: grounded(value, LOOK, where=".values")) == (
        ".values",
        "cluster eu-1 has no label name, there is region, "
        "and cluster eu-1 has no label zone, there is region",
    )
    assert refusal(lambda: grounded(value, LOOK))[0] == ""


def test_a_list_inside_longer_text_is_told_with_its_place() -> None:
    where, reason = refusal(lambda: grounded(f"in {fact('values.zones')}", LOOK, where=".x"))

    assert where == ".x"
    assert reason.startswith("cluster.values.zones is no text and no number")


def test_what_is_missing_in_several_operations_is_one_error_at_the_first_of_them() -> None:
    values = [fact("name"), fact("labels.a"), "text", fact("labels.b")]

    assert refusal(lambda: grounded_each(values, LOOK, where=".operations")) == (
        ".operations[1]",
        "cluster eu-1 has no label a, there is region, "
        "and operations[3]: cluster eu-1 has no label b, there is region",
    )
    assert grounded_each(values[:1], LOOK, where="") == ["eu-1"]


def test_a_part_without_references_is_the_very_same() -> None:
    part = ObjectSelector(kind="Job")

    assert grounded_spec(part, LOOK) is part


def test_a_part_is_judged_again_when_its_facts_are_known() -> None:
    image = ImageOverride(name="web", new_tag=fact("values.tag"))
    selector = ObjectSelector(group=fact("values.empty"), name=fact("name"))

    made, chosen = grounded_spec(image, LOOK), grounded_spec(selector, LOOK)

    assert (made.new_tag, made.model_fields_set) == ("1.2", {"name", "new_tag"})
    assert (chosen.group, chosen.name, chosen.kind) == ("", "eu-1", None)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (
            ObjectSelector(name=fact("values.sly")),
            "a fact of the cluster is itself a reference to a fact, which is not followed",
        ),
        (
            ObjectSelector(name=fact("values.number")),
            "with the cluster's facts, name is not text: quote it in the Cluster document",
        ),
        (
            ImageOverride(name="web", new_tag=fact("values.empty")),
            "with the cluster's facts, newTag does not fit: expected the tag of an image",
        ),
        (
            ImageOverride(name="eu-1", new_name=fact("name")),
            "with the cluster's facts, it does not fit: "
            "this changes nothing: newName is the name that is there already",
        ),
        (
            ObjectSelector.model_validate(
                {"labelSelector": {"matchLabels": {"tier": fact("values.number")}}}
            ),
            "with the cluster's facts, labelSelector.matchLabels.tier is not text: "
            "quote it in the Cluster document",
        ),
    ],
)
def test_what_a_fact_makes_unfit_is_told_without_showing_it(part: Any, reason: str) -> None:
    assert refusal(lambda: grounded_spec(part, LOOK, where=".target")) == (".target", reason)
    assert refusal(lambda: grounded_spec(part, LOOK)) == ("", reason)


def test_a_missing_fact_of_a_target_is_told_at_the_target(
    manifest: Callable[..., Manifest],
) -> None:
    target = {"name": fact("labels.a")}
    merge = overriding(merge=[{"target": target, "patch": {"x": 1}}])
    patch = overriding(
        patches=[{"target": target, "operations": [{"op": "add", "path": "/x", "value": 1}]}]
    )

    with pytest.raises(OverrideFailed) as caught:
        override([manifest()], [merge, patch], indexes=(0, 1), look=LOOK)

    assert caught.value.message.split("; ") == [
        "overrides[0].merge[0].target: cluster eu-1 has no label a, there is region",
        "overrides[1].patches[0].target: cluster eu-1 has no label a, there is region",
    ]
    assert caught.value.next_step == (
        "correct the override in the Application, or what it speaks of"
    )


def test_missing_facts_of_values_are_told_for_every_override_that_is_for_the_cluster() -> None:
    overrides = [overriding(values={"a": fact(f"labels.{name}")}) for name in ("one", "two", "six")]

    with pytest.raises(OverrideFailed) as caught:
        values_of(overrides, (0, 2), LOOK)

    assert caught.value.message.split("; ") == [
        "overrides[0].values: cluster eu-1 has no label one, there is region",
        "overrides[2].values: cluster eu-1 has no label six, there is region",
    ]


def test_the_facts_of_an_override_are_those_of_all_its_parts_but_not_of_its_selector() -> None:
    overrides = [
        overriding(
            values={"a": fact("values.v")},
            merge=[{"target": {"name": fact("labels.t")}, "patch": {"x": [fact("values.p")]}}],
            images=[{"name": "web", "newTag": fact("values.i")}],
            exclude=[{"kind": fact("values.e")}],
        ),
        overriding(values={"a": fact("values.other")}),
        Override.model_validate({"clusterSelector": {"matchLabels": {"a": fact("name")}}}),
    ]

    assert facts_of(overrides, (0,)) == {"values.v", "labels.t", "values.p", "values.i", "values.e"}
    assert facts_of(overrides, (1, 2)) == {"values.other"}
    assert facts_of(overrides, ()) == frozenset()
