"""One operation of RFC 6902: what it needs, what it does, and how far its path leads."""

from __future__ import annotations

from typing import Any

import pytest

from shoal.planning.patching import PatchFailed, apply_operation, merge_patch


def refusal(document: Any, operation: dict[str, Any]) -> str:
    with pytest.raises(PatchFailed) as caught:
        apply_operation(document, operation)
    assert str(caught.value) == caught.value.reason
    assert caught.value.where == ""
    return caught.value.reason


def told_by_a_test(document: Any, expected: Any) -> str | None:
    """None when the test holds, else what it says."""
    try:
        apply_operation({"it": document}, {"op": "test", "path": "/it", "value": expected})
    except PatchFailed as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        ("a", "b"),
        (1, "1"),
        (None, 0),
        (True, 1),
        (0, False),
        (True, False),
        ([1], [1, 2]),
        ([1, 2], [2, 1]),
        ([1], {"0": 1}),
        ({"a": 1}, [1]),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 1}, {"a": 1, "b": True}),
        ([{"a": [True, 2]}], [{"a": [1, 2]}]),
        ({}, []),
    ],
)
def test_a_test_holds_for_equal_values_only(one: Any, other: Any) -> None:
    assert told_by_a_test(one, one) is None
    assert told_by_a_test(other, other) is None
    assert told_by_a_test(one, other) == "test: another value stands at /it"
    assert told_by_a_test(other, one) == "test: another value stands at /it"


def test_numbers_are_equal_as_json_has_them() -> None:
    assert told_by_a_test(1, 1.0) is None


def test_the_order_of_members_does_not_count() -> None:
    assert told_by_a_test({"a": 1, "b": 2}, {"b": 2, "a": 1}) is None


def test_a_test_of_the_whole_document_says_so() -> None:
    told = refusal({"a": 1}, {"op": "test", "path": "", "value": {}})

    assert told == "test: another value stands at the root"


@pytest.mark.parametrize("op", ["replace", "remove", "test"])
@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("/b", "the root"),
        ("/a/b/c", "/a"),
        ("/list/1", "/list"),
        ("/list/2", "/list"),
        ("/list/x", "/list"),
        ("/list/-", "/list"),
        ("/list/0/x", "/list/0"),
        ("/list/0/deep/x", "/list/0/deep"),
        ("/with~1slash/x", "/with~1slash"),
    ],
)
def test_a_path_that_leads_nowhere_is_told_with_its_last_step(op: str, path: str, end: str) -> None:
    document = {"a": {}, "list": [{"deep": {"y": 1}}], "with/slash": {}}

    told = refusal(document, {"op": op, "path": path, "value": 1})

    assert told == f"nothing stands at {path}, the path ends at {end}"


@pytest.mark.parametrize("op", ["copy", "move"])
def test_what_is_copied_or_moved_must_be_there(op: str) -> None:
    told = refusal({"a": 1}, {"op": op, "from": "/b", "path": "/a"})

    assert told == "nothing stands at /b, the path ends at the root"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/b/c", "value": 1},
        {"op": "copy", "from": "/a", "path": "/b/c"},
        {"op": "move", "from": "/a", "path": "/b/c"},
    ],
)
def test_nothing_is_put_where_no_parent_is(operation: dict[str, Any]) -> None:
    assert refusal({"a": 1}, operation) == "nothing stands at /b, the path ends at the root"


def test_from_counts_for_copies_and_moves_alone() -> None:
    added = apply_operation({}, {"op": "add", "from": "/b", "path": "/a", "value": 1})

    assert added == {"a": 1}


def test_an_index_may_be_one_beyond_the_end_when_something_is_added_there() -> None:
    assert apply_operation([1], {"op": "add", "path": "/1", "value": 2}) == [1, 2]
    assert apply_operation([1], {"op": "add", "path": "/-", "value": 2}) == [1, 2]
    assert refusal([1], {"op": "add", "path": "/2", "value": 3}) == (
        "add: nothing stands at /2, the path ends at the root"
    )


def test_a_member_is_no_index_although_its_name_is_a_number() -> None:
    assert refusal({"a": "text"}, {"op": "replace", "path": "/a/0", "value": 1}) == (
        "nothing stands at /a/0, the path ends at /a"
    )


def test_a_place_that_exists_and_takes_nothing_is_told_as_such() -> None:
    told = refusal("text", {"op": "remove", "path": ""})

    assert told == "remove: this cannot be done at the root"


def test_text_that_is_no_pointer_is_told_as_such() -> None:
    assert refusal({}, {"op": "remove", "path": "a"}) == "a is not a JSON Pointer"


def test_an_operation_works_on_the_document_it_is_given() -> None:
    document = {"a": {"b": 1}}

    result = apply_operation(document, {"op": "replace", "path": "/a/b", "value": 2})

    assert result is document
    assert document == {"a": {"b": 2}}


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": 1}, {"a": None}, {}),
        ({"a": 1}, {"b": None}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1]}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": [1]}),
        ({"a": 1}, "text", "text"),
    ],
)
def test_a_merge_patch_is_that_of_rfc_7386(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result
