"""A small module whose mutants fare in every way there is; see what is said of each."""

from __future__ import annotations

FEWEST = 3  # another number is noticed
NEVER_READ = 7  # another number is not
ROOMS = ("kitchen", "cellar")  # the tests import it by name
MOST = FEWEST * 4  # made of another


def is_full(books: int) -> bool:
    return books >= FEWEST  # both sides of the boundary are tested


def emptied(books: int) -> int:
    while books > 0:
        books -= 1  # the other way it never ends
    return books


def label(room: str = "attic") -> str:  # taken in at import
    return f"the shelf in the {room}"  # a sentence


def unread(books: int) -> int:
    return books + 1  # no test comes here
