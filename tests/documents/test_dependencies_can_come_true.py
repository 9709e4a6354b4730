"""dependsOn: names that nothing has, and circles, are told at once with file and line."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from tests.documents.conftest import HEAD, Load

from shoal.documents import merge
from shoal.documents.depending import circles
from shoal.model.documents import Application
from shoal.model.identity import Ref

Told = Callable[..., list[str]]


def application(name: str, *others: str, namespace: str = "default") -> str:
    depends = ", ".join(f"{{application: {other}}}" for other in others)
    return (
        f"---\n{HEAD}kind: Application\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n"
        f"  source: {{git: {{url: x}}}}\n  placement: {{clusterSelector: {{}}}}\n"
        f"  dependsOn: [{depends}]\n"
    )


def test_a_dependency_that_nobody_wrote_is_told_with_the_nearest_name(told: Told) -> None:
    assert told(application("shop", "dbb") + application("db")) == [
        "8: spec.dependsOn[0]: there is no Application dbb in namespace default (did you mean db?)"
    ]


def test_a_dependency_whose_document_is_broken_is_not_also_missing(told: Told) -> None:
    broken = application("db").replace("dependsOn", "dependsUpon")

    problems = told(application("shop", "db") + broken)

    assert len(problems) == 1
    assert "spec.dependsUpon" in problems[0]


def test_a_circle_names_all_its_members_at_each_of_them(told: Told) -> None:
    problems = told(
        application("a", "b")
        + application("b", "c")
        + application("c", "a")
        + application("d", "a")
    )

    assert [line.partition(": ")[2] for line in problems] == [
        "spec.dependsOn[0]: applications wait for one another in a circle: "
        f"default/{one} → default/{two} → default/{three} → default/{one}"
        for one, two, three in ("abc", "bca", "cab")
    ]


def test_an_application_that_waits_for_itself_is_a_circle(told: Told) -> None:
    (problem,) = told(application("a", "a"))

    assert problem.endswith("in a circle: default/a → default/a")


def test_a_dependency_is_looked_for_in_its_own_namespace(told: Told) -> None:
    elsewhere = application("shop", "db").replace(
        "{application: db}", "{application: db, namespace: data}"
    )

    assert told(elsewhere + application("db", namespace="data")) == []
    assert len(told(elsewhere + application("db"))) == 1


def test_the_catalog_knows_who_waits_for_whom(read: Load) -> None:
    loaded = read({"a.yaml": application("shop", "db") + application("db", "shop")})

    catalog = merge(None, loaded)

    assert catalog is not None
    shop, db = Ref("default", "shop"), Ref("default", "db")
    assert catalog.dependents == {db: (shop,), shop: (db,)}
    assert catalog.circles == {shop: (shop, db, shop), db: (db, shop, db)}


NAMES = st.integers(0, 7)


def document(number: int, others: frozenset[int]) -> Application:
    return Application.model_validate(
        {
            "apiVersion": "shoal.dev/v1alpha1",
            "kind": "Application",
            "metadata": {"name": f"a{number}"},
            "spec": {
                "source": {"ref": "x"},
                "placement": {"clusterSelector": {}},
                "dependsOn": [{"application": f"a{other}"} for other in sorted(others)],
            },
        }
    )


@given(st.dictionaries(NAMES, st.frozensets(NAMES), max_size=8))
def test_who_can_reach_itself_is_in_a_circle_and_nobody_else(
    edges: dict[int, frozenset[int]],
) -> None:
    applications = {Ref("default", f"a{one}"): document(one, edges[one]) for one in edges}

    def reach(start: int) -> set[int]:
        seen: set[int] = set()
        todo = list(edges[start])
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += edges.get(one, ())
        return seen

    found = circles(applications)

    assert set(found) == {Ref("default", f"a{one}") for one in edges if one in reach(one)}
    for ref, way in found.items():
        assert way[0] == way[-1] == ref
        assert all(
            later in applications[earlier].dependencies
            for earlier, later in itertools.pairwise(way)
        )
