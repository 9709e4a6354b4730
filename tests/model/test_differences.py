"""Two documents are narrowed down to where they differ, and the patch stays the same."""

from __future__ import annotations

from typing import Any

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from shoal.model.differences import differing, told_difference
from shoal.model.identity import ObjectKey

values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("ab"),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("xyz~/"), below, max_size=4)
    ),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from("abc/"), values, max_size=4)


@given(documents, documents)
def test_the_patch_of_what_differs_leads_from_one_document_to_the_other(
    before: dict[str, Any], after: dict[str, Any]
):
    patch = jsonpatch.make_patch(*differing(before, after))

    assert patch.apply(before) == after


def test_what_is_equal_is_left_out_at_every_depth():
    before = {"metadata": {"name": "a", "labels": {"x": "1", "y": "1"}}, "spec": {"ports": [1, 2]}}
    after = {"metadata": {"name": "a", "labels": {"x": "2", "y": "1"}}, "spec": {"ports": [1, 3]}}

    assert differing(before, after) == (
        {"metadata": {"labels": {"x": "1"}}, "spec": {"ports": [1, 2]}},
        {"metadata": {"labels": {"x": "2"}}, "spec": {"ports": [1, 3]}},
    )


def test_what_is_equal_to_python_alone_is_not_left_out():
    assert differing({"a": {"b": True}}, {"a": {"b": 1}}) == ({"a": {"b": True}}, {"a": {"b": 1}})


def test_equal_documents_have_nothing_left():
    assert differing({"a": {"b": [1]}}, {"a": {"b": [1]}}) == ({}, {})


@given(documents, documents)
def test_what_is_told_of_a_difference_leads_there_and_says_what_was_before(
    before: dict[str, Any], after: dict[str, Any]
):
    told = told_difference(ObjectKey("", "ConfigMap", "a", "b"), before, after)

    assert jsonpatch.JsonPatch(told).apply(before) == after
    for at, operation in enumerate(told):
        if operation["op"] in ("replace", "remove"):
            assert (told[at - 1]["op"], told[at - 1]["path"]) == ("test", operation["path"])


def test_what_a_secret_held_before_is_masked_too():
    before, after = ({"data": {"a": value}} for value in ("b2xk", "bmV3"))

    told = told_difference(ObjectKey("", "Secret", "a", "b"), before, after)

    assert [operation["op"] for operation in told] == ["test", "replace"]
    assert "b2xk" not in str(told)
    assert "bmV3" not in str(told)
