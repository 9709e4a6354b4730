"""Objects that some clusters do not get, and what else is said of those."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from shoal.errors import OverrideFailed
from shoal.model.facts import DocumentFacts
from shoal.model.manifests import Manifest
from shoal.model.overrides import Override
from shoal.planning.overriding import override

Make = Callable[..., Manifest]


def overridden(manifests: Sequence[Manifest], *overrides: dict[str, Any]) -> Sequence[Manifest]:
    documents = [Override.model_validate({"clusterSelector": {}, **each}) for each in overrides]
    look = DocumentFacts("eu-1", {"region": "eu"}).look
    return override(manifests, documents, indexes=range(len(documents)), look=look)


def errors_of(manifests: Sequence[Manifest], *overrides: dict[str, Any]) -> list[str]:
    with pytest.raises(OverrideFailed) as caught:
        overridden(manifests, *overrides)
    return caught.value.message.split("; ")


@pytest.fixture
def manifests(manifest: Make) -> list[Manifest]:
    return [manifest("Deployment", "web"), manifest("Job", "migrate"), manifest("Job", "seed")]


def test_what_is_excluded_goes_and_the_rest_stays_the_very_same(manifests: list[Manifest]) -> None:
    (left,) = overridden(manifests, {"exclude": [{"kind": "Job"}]})

    assert left is manifests[0]


def test_an_object_can_be_excluded_by_name_labels_and_facts(manifest: Make) -> None:
    manifests = [manifest(name=name) for name in ("eu", "us", "ap")]
    by_labels = {"labelSelector": {"matchLabels": {"app": "us"}}}

    (left,) = overridden(manifests, {"exclude": [{"name": "${cluster.labels.region}"}, by_labels]})

    assert left is manifests[2]


def test_exclusion_comes_after_the_patches_of_the_same_override(manifests: list[Manifest]) -> None:
    labelled = {
        "merge": [
            {"target": {"name": "seed"}, "patch": {"metadata": {"labels": {"skip": "yes"}}}},
        ],
        "exclude": [{"labelSelector": {"matchLabels": {"skip": "yes"}}}],
    }

    result = overridden(manifests, labelled)

    assert [each.key.name for each in result] == ["web", "migrate"]


def test_two_overrides_may_exclude_the_same_object(manifests: list[Manifest]) -> None:
    jobs, seed = {"exclude": [{"kind": "Job"}]}, {"exclude": [{"name": "seed"}]}

    results = [overridden(manifests, jobs, seed), overridden(manifests, seed, jobs)]

    assert [list(each) for each in results] == [manifests[:1], manifests[:1]]


def test_an_exclusion_that_matches_nothing_says_what_was_meant(manifests: list[Manifest]) -> None:
    told = errors_of(manifests, {"exclude": [{"kind": "Jbo"}, {"kind": "Job", "name": "sed"}]})

    assert told == [
        "overrides[0].exclude[0]: no object matches (kind Jbo), did you mean kind Job?",
        "overrides[0].exclude[1]: no object matches (kind Job, name sed), did you mean name seed?",
    ]


def test_objects_inside_a_list_are_not_selected_and_the_error_says_why() -> None:
    items = [{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "seed"}}]
    bundle = Manifest({"apiVersion": "v1", "kind": "List", "items": items}, "all.yaml:3")

    (told,) = errors_of([bundle], {"exclude": [{"kind": "Job"}]})

    assert told == (
        "overrides[0].exclude[0]: no object matches (kind Job) "
        "(what stands inside the List of all.yaml:3 is not selected by itself)"
    )


@pytest.mark.parametrize(
    "excludes",
    [[{"exclude": [{}]}], [{"exclude": [{"kind": "Job"}]}, {"exclude": [{"name": "web"}]}]],
)
def test_at_least_one_object_must_be_left(
    manifests: list[Manifest], excludes: list[dict[str, Any]]
) -> None:
    (told,) = errors_of(manifests, *excludes)

    assert "it leaves no object at all" in told
    assert "placement.clusterSelector" in told


def test_a_patch_on_an_excluded_object_says_who_excluded_it(manifests: list[Manifest]) -> None:
    patch = {"op": "add", "path": "/spec", "value": {}}
    told = errors_of(
        manifests,
        {"exclude": [{"kind": "Job"}]},
        {
            "merge": [{"target": {"name": "seed"}, "patch": {"x": 1}}],
            "patches": [{"target": {"kind": "Job"}, "operations": [patch]}],
        },
    )

    assert told == [
        "overrides[1].merge[0]: what matches its target (name seed) was excluded by "
        "overrides[0].exclude[0]",
        "overrides[1].patches[0]: what matches its target (kind Job) was excluded by "
        "overrides[0].exclude[0]",
    ]


def test_who_excluded_an_object_is_told_of_this_object_and_no_other(manifest: Make) -> None:
    pods = [manifest("Pod", name, containers=[{"image": f"{name}:1"}]) for name in ("a", "b", "c")]
    excluding = [{"exclude": [{"name": "a"}]}, {"exclude": [{"name": "b"}]}]
    merge = {"target": {"name": "b"}, "patch": {"x": 1}}

    told = errors_of(pods, *excluding, {"merge": [merge], "images": [{"name": "b", "newTag": "2"}]})

    assert [each.partition("excluded by ")[2] for each in told] == ["overrides[1].exclude[0]"] * 2


def test_where_nothing_was_rendered_an_exclusion_matches_nothing() -> None:
    (told,) = errors_of([], {"exclude": [{"kind": "Job"}]})

    assert told == "overrides[0].exclude[0]: no object matches (kind Job)"


def test_a_patch_may_select_excluded_objects_beside_others(manifests: list[Manifest]) -> None:
    merge = {"target": {"kind": "Job"}, "patch": {"x": 1}}

    result = overridden(manifests, {"exclude": [{"name": "seed"}]}, {"merge": [merge]})

    assert [each.body.get("x") for each in result] == [None, 1]


def test_an_image_of_an_excluded_object_says_who_excluded_it(manifest: Make) -> None:
    pods = [manifest("Pod", name, containers=[{"image": f"{name}:1"}]) for name in ("web", "job")]
    images = [{"name": "job", "newTag": "2"}]

    (told,) = errors_of(pods, {"exclude": [{"name": "job"}]}, {"images": images})

    assert told == (
        "overrides[1].images[0]: what has the image job was excluded by overrides[0].exclude[0]"
    )


def test_missing_facts_of_all_parts_are_told_at_once(manifests: list[Manifest]) -> None:
    operations = [
        {"op": "add", "path": "/a", "value": "${cluster.labels.one}"},
        {"op": "add", "path": "/b", "value": "b"},
        {"op": "add", "path": "/c", "value": "${cluster.values.two}-${cluster.labels.three}"},
    ]
    told = errors_of(
        manifests,
        {
            "patches": [{"target": {"name": "web"}, "operations": operations}],
            "exclude": [{"name": "${cluster.labels.four}"}],
        },
    )

    assert told == [
        "overrides[0].patches[0].operations[0]: cluster eu-1 has no label one, there is region, "
        "and operations[2]: cluster eu-1 has no label three, there is region, "
        "and cluster eu-1 has no spec.values.two",
        "overrides[0].exclude[0]: cluster eu-1 has no label four, there is region",
    ]
