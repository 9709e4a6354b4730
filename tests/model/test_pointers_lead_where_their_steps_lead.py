"""JSON Pointers: read as they are written, whatever a name holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shoal.model.pointers import pointer, steps_of


def test_a_slash_and_a_tilde_in_a_name_are_escaped() -> None:
    assert pointer(("metadata", "annotations", "a/b~c")) == "/metadata/annotations/a~1b~0c"
    assert pointer(("items", 0)) == "/items/0"


@given(st.lists(st.text(alphabet="ab/~01", max_size=5)))
def test_what_is_written_is_read_as_the_same(steps: list[str]) -> None:
    assert list(steps_of(pointer(steps))) == steps


def test_the_whole_document_is_no_step_away() -> None:
    assert steps_of("") == ()
    assert steps_of("no pointer") == ()
