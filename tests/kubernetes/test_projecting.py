"""Projecting: the owned part of a live object, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import orjson
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.kubernetes.samples import applied, deployment, edited_by

from shoal_clusters.kubernetes.projecting import (
    REPLICAS,
    FieldSets,
    changed_by,
    document_fields,
    overlaps,
    overlay,
    project,
    scaled,
    subtract,
    without_path,
)

SETS = FieldSets()
NAMES = ["a", "b", "c"]


def keyed(name: str) -> str:
    return f'k:{{"name":"{name}"}}'


def owned_by_apply(value: Any) -> dict[str, Any]:
    """FieldsV1 as server-side apply notes it: mappings granular, lists of named items keyed."""
    if isinstance(value, dict) and value:
        return {f"f:{name}": owned_by_apply(child) for name, child in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {keyed(item["name"]): {".": {}, **owned_by_apply(item)} for item in value}
    if isinstance(value, list) and value:
        return {f"v:{orjson.dumps(item).decode()}": {} for item in value}
    return {}


scalars = st.booleans() | st.integers(-9, 9) | st.text(max_size=3)


def documents(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.lists(st.sampled_from(NAMES), unique=True, max_size=3).flatmap(
        lambda names: st.tuples(
            *(
                below.map(
                    lambda value, name=name: {"name": name, "value": value}  # type: ignore[misc]
                )
                for name in names
            )
        ).map(list)
    )
    sets = st.lists(st.text(max_size=3), unique=True, max_size=3)
    mappings = st.dictionaries(st.sampled_from(NAMES), below, max_size=3)
    return named | sets | mappings


bodies = st.dictionaries(
    st.sampled_from(["metadata", "spec", "data"]),
    st.recursive(scalars, documents, max_leaves=8),
    max_size=3,
)


def others_add(value: Any, *, at_end: bool) -> Any:
    """The value after other managers added fields, list items and set members of their own."""
    if isinstance(value, dict) and value:
        return {
            "theirs": 1,
            **{name: others_add(child, at_end=at_end) for name, child in value.items()},
        }
    if isinstance(value, list) and value:
        mine = [others_add(item, at_end=at_end) for item in value]
        theirs = [{"name": "theirs"}] if isinstance(value[0], dict) else ["their member"]
        return mine + theirs if at_end else theirs + mine
    return value


@given(bodies, st.booleans())
def test_what_others_add_does_not_show_in_a_projection(body: dict[str, Any], at_end: bool) -> None:
    field_set = SETS.intern(owned_by_apply(body))

    assert project(others_add(body, at_end=at_end), field_set) == project(body, field_set)


@given(bodies)
def test_the_order_of_keyed_items_does_not_show_in_a_projection(body: dict[str, Any]) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: turned(child) for name, child in value.items()}
        return [turned(item) for item in reversed(value)] if isinstance(value, list) else value

    field_set = SETS.intern(owned_by_apply(body))

    assert project(turned(body), field_set) == project(body, field_set)


@given(bodies, bodies)
def test_two_bodies_project_alike_only_when_what_is_owned_is_alike(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    """The way back: overlaying what we want on anything makes it project as what we want."""
    field_set = SETS.intern(owned_by_apply(one))
    assume(project(one, field_set) != project(two, field_set))

    restored = overlay(two, one, field_set)

    assert project(restored, field_set) == project(one, field_set)


@given(bodies, st.booleans())
def test_an_overlay_leaves_what_others_own_alone(body: dict[str, Any], at_end: bool) -> None:
    live = others_add(body, at_end=at_end)

    assert overlay(live, body, SETS.intern(owned_by_apply(body))) == live


@given(bodies)
def test_projecting_and_overlaying_never_change_what_they_are_given(body: dict[str, Any]) -> None:
    live = others_add(body, at_end=True)
    before = copy.deepcopy((live, body))

    overlay(live, body, SETS.intern(owned_by_apply(body)))
    project(live, SETS.intern(owned_by_apply(body)))

    assert (live, body) == before


@given(bodies)
def test_nothing_is_left_when_a_set_is_taken_from_itself(body: dict[str, Any]) -> None:
    fields = owned_by_apply(body)

    assert subtract(fields, fields) is None
    assert subtract(fields, {".": {}}) == (fields or None)


@given(bodies, bodies)
def test_what_is_left_of_a_set_is_owned_by_it_and_not_by_the_other(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    left = subtract(owned_by_apply(one), owned_by_apply(two))

    if left is not None:
        assert subtract(left, owned_by_apply(one)) is None
        assert subtract(left, owned_by_apply(two)) == left
        assert overlaps(left, owned_by_apply(one))


@given(bodies)
def test_a_field_set_reads_back_from_its_text(body: dict[str, Any]) -> None:
    fields = owned_by_apply(body)
    field_set = SETS.intern(fields)

    assert field_set.fields == fields
    assert FieldSets().intern_text(field_set.text) == field_set


def test_equal_field_sets_are_one_object_and_the_longest_unused_is_dropped() -> None:
    sets = FieldSets(kept=2)
    first = sets.intern({"f:a": {}, "f:b": {}})
    sets.intern({"f:c": {}})

    assert sets.intern({"f:b": {}, "f:a": {}}) is first
    sets.intern({"f:d": {}})
    assert len(sets) == 2
    assert sets.intern({"f:a": {}, "f:b": {}}) is first


def test_items_are_found_by_several_key_fields() -> None:
    fields = {"f:ports": {'k:{"port":53,"protocol":"UDP"}': {"f:port": {}, "f:name": {}}}}
    live = {
        "ports": [
            {"port": 53, "protocol": "TCP", "name": "tcp"},
            {"port": 53, "protocol": "UDP", "name": "udp", "nodePort": 1},
        ]
    }

    projected = project(live, SETS.intern(fields))

    assert projected == {"ports": {'k:{"port":53,"protocol":"UDP"}': {"port": 53, "name": "udp"}}}


def test_an_atomic_value_is_projected_whole() -> None:
    live = {"spec": {"selector": {"a": "1", "b": "2"}, "args": [1, 2]}}

    projected = project(live, SETS.intern({"f:spec": {"f:selector": {}, "f:args": {}}}))

    assert projected == live


def test_a_container_without_any_owned_field_is_absent_unless_it_is_owned_itself() -> None:
    live = {"metadata": {"labels": {"theirs": "x"}}}

    assert project(live, SETS.intern({"f:metadata": {"f:labels": {"f:a": {}}}})) == {}
    assert project(live, SETS.intern({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}})) == {
        "metadata": {"labels": {}}
    }


def test_a_value_of_another_type_is_projected_as_it_is() -> None:
    field_set = SETS.intern({"f:spec": {"f:a": {}}})

    assert project({"spec": None}, field_set) == {"spec": None}
    assert project({"spec": "x"}, field_set) == {"spec": "x"}


def test_only_our_own_apply_of_the_object_itself_counts_as_ours() -> None:
    live = applied(deployment(), entries=(edited_by("shoal", {"f:spec": {"f:paused": {}}}),))

    own = SETS.own_fields(live)

    assert own is not None
    assert "f:paused" not in own.fields["f:spec"]
    assert SETS.own_fields({"metadata": {}}) is None
    assert SETS.own_fields(live, manager="flux") is None


def test_the_client_that_wrote_last_is_named() -> None:
    fields = {"f:spec": {"f:replicas": {}}}
    live = applied(
        deployment(),
        own={},
        entries=(
            edited_by("kubectl-edit", fields, at="12:00:00"),
            edited_by("k9s", fields, at="13:00:00"),
            edited_by("unrelated", {"f:spec": {"f:paused": {}}}, at="14:00:00"),
        ),
    )

    by = changed_by(live, fields)

    assert by.manager == "k9s"
    assert by.at is not None
    assert by.at.hour == 13


def test_nobody_is_named_for_a_field_that_was_removed() -> None:
    live = applied(deployment(), entries=(edited_by("k9s", {"f:spec": {"f:paused": {}}}),))

    assert changed_by(live, {"f:spec": {"f:replicas": {}}}).manager == ""


def test_replicas_written_through_the_scale_subresource_are_told_apart() -> None:
    fields = {"f:spec": {"f:replicas": {}}}

    assert scaled(applied(deployment(), entries=(edited_by("hpa", fields, subresource="scale"),)))
    assert not scaled(applied(deployment(), entries=(edited_by("kubectl-edit", fields),)))


def test_a_path_can_be_taken_out_of_a_set() -> None:
    fields = {"f:spec": {"f:replicas": {}, "f:paused": {}}}

    assert without_path(fields, REPLICAS) == {"f:spec": {"f:paused": {}}}
    assert without_path({"f:spec": {"f:replicas": {}}}, REPLICAS) == {}


def test_a_document_without_managed_fields_owns_its_own_paths() -> None:
    body = {"apiVersion": "v1", "kind": "X", "spec": {"a": {"b": 1}, "list": [1], "empty": {}}}

    assert document_fields(body) == {"f:spec": {"f:a": {"f:b": {}}, "f:list": {}, "f:empty": {}}}
