"""What holds of overrides whatever they say: nothing shared is changed, and order counts little."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, assume, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from shoal.errors import OverrideFailed
from shoal.model.facts import DocumentFacts
from shoal.model.manifests import Manifest
from shoal.model.overrides import ImageOverride, ObjectSelector, Override
from shoal.planning.images import images_of, with_image
from shoal.planning.overriding import override
from shoal.planning.selecting import selects
from shoal.planning.steps import steps

FACTS = DocumentFacts("eu-1", {"region": "eu"}, {"tag": "9"})
# Time is no measure on a machine that does other things too.
QUICK = example_settings(
    max_examples=80,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

KINDS = st.sampled_from(["Deployment", "Job", "ConfigMap"])
NAMES = st.sampled_from(["a", "b", "c"])
IMAGES = st.sampled_from(["app", "reg:5/app", "lib/db"])
TAGS = st.sampled_from(["", ":1", ":2", "@sha256:" + "0" * 64])


@st.composite
def manifest(draw: st.DrawFn) -> Manifest:
    containers = [{"image": draw(IMAGES) + draw(TAGS)} for _ in range(draw(st.integers(0, 2)))]
    head = {"apiVersion": "v1", "kind": draw(KINDS), "metadata": {"name": draw(NAMES)}}
    return Manifest({**head, "spec": {"containers": containers, "n": 0}}, "x.yaml:1")


MANIFESTS = st.lists(manifest(), min_size=1, max_size=5, unique_by=lambda each: each.key)
SELECTORS = st.fixed_dictionaries({}, optional={"kind": KINDS, "name": NAMES})
IMAGE_ENTRIES = st.fixed_dictionaries(
    {"name": IMAGES, "newTag": st.sampled_from(["2", "3", "${cluster.values.tag}"])},
    optional={"newName": IMAGES},
)
MERGES = st.fixed_dictionaries(
    {
        "target": SELECTORS,
        "patch": st.fixed_dictionaries({"spec": st.dictionaries(NAMES, st.integers(0, 2))}),
    }
)
PATCHES = st.fixed_dictionaries(
    {
        "target": SELECTORS,
        "operations": st.just([{"op": "add", "path": "/spec/at", "value": "${cluster.name}"}]),
    }
)
OVERRIDES = st.lists(
    st.fixed_dictionaries(
        {"clusterSelector": st.just({})},
        optional={
            "merge": st.lists(MERGES, max_size=2),
            "patches": st.lists(PATCHES, max_size=2),
            "images": st.lists(IMAGE_ENTRIES, max_size=2),
            "exclude": st.lists(SELECTORS, max_size=2),
        },
    ).map(Override.model_validate),
    max_size=3,
)


def overridden(
    manifests: Sequence[Manifest], overrides: Sequence[Override]
) -> Sequence[Manifest] | None:
    """What comes of it; None where something does not fit."""
    try:
        return override(manifests, overrides, indexes=range(len(overrides)), look=FACTS.look)
    except OverrideFailed:
        return None


def overrides_of(part: str, *entries: Any) -> list[Override]:
    return [Override.model_validate({"clusterSelector": {}, part: list(entries)})]


@given(MANIFESTS, OVERRIDES)
@QUICK
def test_inputs_stay_as_they_were(manifests: list[Manifest], overrides: list[Override]) -> None:
    before = copy.deepcopy((manifests, overrides))

    overridden(manifests, overrides)

    assert (manifests, overrides) == before


@given(MANIFESTS, OVERRIDES)
@QUICK
def test_what_no_step_touches_stays_the_very_same_object_in_its_place(
    manifests: list[Manifest], overrides: list[Override]
) -> None:
    taken = list(steps(manifests, overrides, indexes=range(len(overrides)), look=FACTS.look))
    touched = {one.before.key for step in taken for one in step.touched}
    result = taken[-1].objects.present if taken else tuple(manifests)

    kept = [each for each in result if each.key not in touched]
    expected = [each for each in manifests if each.key not in touched]
    assert [id(each) for each in kept] == [id(each) for each in expected]
    assert [each.key for each in result] == [
        each.key for each in manifests if each.key in {one.key for one in result}
    ]


@given(MANIFESTS, OVERRIDES)
@QUICK
def test_the_steps_end_where_the_override_ends(
    manifests: list[Manifest], overrides: list[Override]
) -> None:
    result = overridden(manifests, overrides)
    taken = list(steps(manifests, overrides, indexes=range(len(overrides)), look=FACTS.look))

    assert (result is None) == any(step.errors for step in taken)
    if result is not None and taken:
        assert result == taken[-1].objects.present


@given(MANIFESTS, OVERRIDES)
@QUICK
def test_each_step_tells_all_that_it_changed(
    manifests: list[Manifest], overrides: list[Override]
) -> None:
    before = {each.key: each for each in manifests}
    for step in steps(manifests, overrides, indexes=range(len(overrides)), look=FACTS.look):
        after = {each.key: each for each in step.objects.present}
        changed = {key for key in before if after.get(key) != before[key]}
        told = {one.before.key for one in step.touched if one.after is not one.before}

        assert told == changed
        assert all(one.after == after.get(one.before.key) for one in step.touched)
        before = after


@given(manifest(), IMAGE_ENTRIES.filter(lambda entry: "cluster" not in entry["newTag"]))
@QUICK
def test_an_image_replaced_twice_is_replaced_once(one: Manifest, entry: dict[str, str]) -> None:
    image = ImageOverride.model_validate(entry)

    once, _ = with_image(one, image)
    twice, _ = with_image(once, image)

    assert twice is once
    assert image.name not in images_of([once]) or image.new_name in (None, image.name)


@given(MANIFESTS, SELECTORS)
@QUICK
def test_what_is_excluded_twice_is_excluded_once(
    manifests: list[Manifest], selector: dict[str, str]
) -> None:
    once = overridden(manifests, overrides_of("exclude", selector))
    twice = overridden(manifests, overrides_of("exclude", selector, selector))

    assert once == twice
    if once is not None:
        chosen = ObjectSelector.model_validate(selector)
        assert list(once) == [each for each in manifests if not selects(chosen, each)]


@given(MANIFESTS, SELECTORS, SELECTORS)
@QUICK
def test_the_order_of_exclusions_makes_no_difference(
    manifests: list[Manifest], one: dict[str, str], other: dict[str, str]
) -> None:
    """Errors apart: an exclusion may name what an earlier one took, and nothing that never was."""
    forth = overridden(manifests, overrides_of("exclude", one, other))
    back = overridden(manifests, overrides_of("exclude", other, one))

    assert forth == back


@given(MANIFESTS, IMAGE_ENTRIES, IMAGE_ENTRIES)
@QUICK
def test_the_order_of_images_counts_only_where_one_names_what_another_makes(
    manifests: list[Manifest], one: dict[str, str], other: dict[str, str]
) -> None:
    names = {one["name"], one.get("newName"), other["name"], other.get("newName")} - {None}
    assume(len(names) == len([*one, *other]) - 2)  # no name twice: nothing meets

    forth = overridden(manifests, overrides_of("images", one, other))
    back = overridden(manifests, overrides_of("images", other, one))

    assert forth == back


@given(MANIFESTS, MERGES, SELECTORS)
@QUICK
def test_merges_of_different_objects_may_change_places(
    manifests: list[Manifest], merge: dict[str, Any], target: dict[str, str]
) -> None:
    other = {"target": target, "patch": {"spec": {"n": 7}}}
    chosen = [ObjectSelector.model_validate(each["target"]) for each in (merge, other)]
    assume(not any(all(selects(one, each) for one in chosen) for each in manifests))

    forth = overridden(manifests, overrides_of("merge", merge, other))
    back = overridden(manifests, overrides_of("merge", other, merge))

    assert forth == back
