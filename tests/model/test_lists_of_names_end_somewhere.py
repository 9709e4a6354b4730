from __future__ import annotations

import pytest

from shoal.model.phrases import counted, some_of


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["a", "b", "c"], "a, b and 1 more"),
        (["a", "b", "c", "d"], "a, b and 2 more"),
    ],
)
def test_the_first_are_named_and_the_rest_is_counted(names: list[str], said: str) -> None:
    assert some_of(names, 2) == said


def test_only_one_is_no_plural() -> None:
    assert [counted(number, "object") for number in (0, 1, 2)] == [
        "0 objects",
        "1 object",
        "2 objects",
    ]
