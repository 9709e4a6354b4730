"""What is grafted into a tree is read as if it had always stood there."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shoal.model.artifacts import EntryKind, Tree
from shoal.model.trees import MemoryTree
from shoal_plugins.git.grafting import GraftedTree

NAMES = st.sampled_from(["a", "b", "lib", "lib2", "l"])
PLACES = st.sampled_from(["lib", "x/lib", "x/y/lib", "lib2"])
CONTENTS = st.dictionaries(NAMES, st.sampled_from(["1", "2"]), min_size=1, max_size=3)


def _grafted(files: dict[str, str], modules: dict[str, dict[str, str]]) -> GraftedTree:
    base: Any = MemoryTree(files, others=modules)
    return GraftedTree(base, {path: MemoryTree(inner) for path, inner in modules.items()})


def _flat(files: dict[str, str], modules: dict[str, dict[str, str]]) -> dict[str, str]:
    grafted = {
        f"{path}/{name}": text for path, inner in modules.items() for name, text in inner.items()
    }
    return {**files, **grafted}


async def _walk(tree: Tree, path: str = "") -> dict[str, str]:
    """Path → content of every file, seen by listing; what is listed is what stands there."""
    found: dict[str, str] = {}
    for entry in await tree.list(path):
        below = f"{path}/{entry.name}" if path else entry.name
        assert await tree.entry(below) == entry
        if entry.kind is EntryKind.FOLDER:
            found |= await _walk(tree, below)
        else:
            found[below] = (await tree.read(below)).decode()
    return found


@given(CONTENTS, st.dictionaries(PLACES, CONTENTS, max_size=4))
async def test_all_is_there_and_nothing_else(contents, modules):
    files = {f"own/{name}": text for name, text in contents.items()} | {"z": "z"}

    tree = _grafted(files, modules)

    assert await _walk(tree) == _flat(files, modules)
    for place in modules:
        assert await tree.entry(f"{place}x/none") is None


@given(CONTENTS, st.dictionaries(PLACES, CONTENTS), st.dictionaries(PLACES, CONTENTS))
async def test_digests_are_equal_when_and_only_when_the_content_is(contents, one, other):
    files = {f"own/{name}": text for name, text in contents.items()}

    first, second = _grafted(files, one), _grafted(files, other)

    assert (first.digest == second.digest) is (one == other)
