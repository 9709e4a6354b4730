"""What can be known of an override without rendering anything is told by `shoal validate`."""

from collections.abc import Callable

import pytest

from shoal.documents import load
from shoal.hooks.renderers import ValuedSpec
from shoal.model.choice import Spec

HEAD = "apiVersion: shoal.dev/v1alpha1\n"
START = (
    f"{HEAD}kind: Application\nmetadata: {{name: web}}\nspec:\n"
    "  source: {git: {url: u}}\n  placement: {clusterSelector: {}}\n"
)
Told = Callable[..., list[str]]


class _Git(Spec):
    url: str


class _Plain(Spec):
    """Takes no values."""


@pytest.fixture
def told() -> Told:
    """The problems of an application whose spec goes on like this, from line 7."""

    def told(more: str) -> list[str]:
        fleet = f"{HEAD}kind: Fleet\nmetadata: {{name: shop}}\n"
        seams = {"source": {"git": _Git}, "renderer": {"plain": _Plain, "chart": ValuedSpec}}
        loaded = load({"a.yaml": (START + more).encode(), "fleet.yaml": fleet.encode()}, seams)
        return [problem.as_text().removeprefix("a.yaml:") for problem in loaded.problems]

    return told


def test_an_image_that_changes_nothing_is_a_problem(told: Told) -> None:
    more = "  overrides:\n  - clusterSelector: {}\n    images:\n    - {name: nginx}\n"

    assert told(more) == [
        "10: spec.overrides[0].images[0]: this changes nothing: give newName, newTag or digest"
    ]


def test_a_tag_that_is_a_number_is_to_be_quoted(told: Told) -> None:
    more = (
        "  overrides:\n  - clusterSelector: {}\n    images:\n    - {name: nginx, newTag: 1.10}\n"
        "    - {name: 'nginx:1', newTag: '2'}\n"
    )

    assert told(more) == [
        "10: spec.overrides[0].images[0].newTag: wrong type: this is a number (expected text); "
        "quote it",
        "11: spec.overrides[0].images[1].name: expected the name of an image, "
        "without tag and digest",
    ]


@pytest.mark.parametrize(
    "part",
    [
        "values: {a: {b: '${cluster.zone}'}}",
        "merge: [{target: {}, patch: {a: ['${cluster.zone}']}}]",
        "merge: [{target: {name: '${cluster.zone}'}, patch: {}}]",
        "patches: [{target: {}, operations: [{op: add, path: /a, value: '-${cluster.zone}'}]}]",
        "patches: [{target: {}, operations: [{op: remove, path: '/${cluster.zone}'}]}]",
        "images: [{name: nginx, newTag: '${cluster.zone}'}]",
        "exclude: [{kind: '${cluster.zone}'}]",
    ],
)
def test_a_fact_that_no_cluster_can_have_is_a_problem_wherever_it_stands(
    told: Told, part: str
) -> None:
    (problem,) = told(f"  overrides:\n  - clusterSelector: {{}}\n    {part}\n")

    assert problem.startswith("9: spec.overrides[0].")
    assert problem.endswith(
        "there is no fact cluster.zone: a fact is cluster.name, cluster.labels.KEY or "
        "cluster.values.PATH"
    )


def test_values_for_a_renderer_that_takes_none_are_a_problem(told: Told) -> None:
    empty = "  - clusterSelector: {}\n"
    overrides = f"  overrides:\n{empty}{empty}    values: {{a: 1}}\n"

    assert told(f"{overrides}  render: {{plain: {{}}}}\n") == [
        "10: spec.overrides[1].values: the renderer plain takes no values; "
        "use merge or patches, or another renderer"
    ]
    assert told(f"{overrides}  render: {{chart: {{}}}}\n") == []
    assert told(overrides) == []  # the files of the folder choose, and nobody has seen them yet


def test_facts_in_the_parameters_of_a_renderer_are_looked_at_too(told: Told) -> None:
    good = "{a: '${cluster.kubernetesVersion}', b: '${cluster.labels.zone}', c: '$${cluster.x}'}"

    assert told(f"  render:\n    chart:\n      values: {good}\n") == []
    assert told("  render:\n    chart:\n      values: {a: '${cluster.label.zone}'}\n") == [
        "8: spec.render.chart: there is no fact cluster.label.zone "
        "(did you mean cluster.labels.zone?); "
        "a fact is cluster.name, cluster.labels.KEY or cluster.values.PATH"
    ]
