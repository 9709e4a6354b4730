"""The tests of the sample; collected only when they are asked for by name."""

from __future__ import annotations

from tests.mutating.sample import shelf
from tests.mutating.sample.shelf import ROOMS


def test_a_shelf_is_full_from_three_books_on() -> None:
    assert shelf.is_full(3)
    assert not shelf.is_full(2)


def test_an_emptied_shelf_holds_nothing() -> None:
    assert shelf.emptied(2) == 0


def test_a_label_names_the_room() -> None:
    assert shelf.label().endswith(" attic")
    assert "cellar" in ROOMS


def test_the_most_books_are_four_times_the_fewest() -> None:
    assert shelf.MOST == 12
