"""The history of a chaos run: numbers that only grow, also when it is rewritten by force."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.chaos.author import BAD, Author
from tests.chaos.evidence import read_repository
from tests.chaos.manifests import Key, number_of

APPLICATIONS = ("app-0", "app-1")


def make_author(folder: Path, seed: int = 1) -> Author:
    author = Author(folder / "work", folder / "apps.git", APPLICATIONS, random.Random(seed))
    author.begin()
    return author


def numbers(author: Author, scratch: Path) -> dict[Key, int | None]:
    wanted = read_repository(author.bare, scratch)
    return {key: number_of(body) for key, body in wanted.items()}


def test_what_is_pushed_is_what_the_author_believes(tmp_path: Path) -> None:
    author = make_author(tmp_path)
    for _ in range(6):
        author.change()

    assert numbers(author, tmp_path / "seen") == author.tree


@pytest.mark.parametrize("seed", range(3))
def test_no_object_ever_gets_a_lower_number(tmp_path: Path, seed: int) -> None:
    author = make_author(tmp_path, seed)
    highest: dict[Key, int] = {}
    for step in (author.change, author.change, author.rewrite, author.change, author.rewrite):
        step()
        assert all(number >= highest.get(key, 0) for key, number in author.tree.items())
        highest |= author.tree

    assert numbers(author, tmp_path / "seen") == author.tree


def test_taking_commits_back_counts_as_a_change_of_what_differs(tmp_path: Path) -> None:
    author = make_author(tmp_path)
    changed = author.change().changed
    taken_back = author.rewrite()

    assert changed <= taken_back.changed | taken_back.removed
    assert {author.tree[key] for key in taken_back.changed} == {taken_back.number}


@pytest.mark.parametrize("how", BAD)
def test_what_was_spoilt_is_mended_by_the_next_commit(tmp_path: Path, how: str) -> None:
    author = make_author(tmp_path)
    spoilt = author.spoil(how)
    is_spoilt = any(author.folder.glob("*/bad.yaml"))
    author.change()

    assert is_spoilt
    assert not spoilt.changed
    assert not any(author.folder.glob("*/bad.yaml"))
    assert numbers(author, tmp_path / "seen") == author.tree


def test_the_same_seed_writes_the_same_history(tmp_path: Path) -> None:
    one, other = (make_author(tmp_path / name) for name in ("one", "other"))
    for author in (one, other):
        author.change()
        author.rewrite()
        author.change()

    assert one.tree == other.tree
    assert [each.changed for each in one.commits] == [each.changed for each in other.commits]
