"""No pure module goes without mutants, unless a reason is given; no reason outlives its cause."""

from __future__ import annotations

import pytest
from tests.mutating.exclusions import EQUIVALENT
from tests.mutating.mutants import Source, unused
from tests.mutating.scope import ALSO, CONTRACT, FOLDERS, LEFT_OUT, all_modules, is_pure, modules


def test_every_module_of_the_contract_of_pure_code_is_mutated() -> None:
    packages = tuple(FOLDERS.values())
    named = {name for name in CONTRACT["source_modules"] if name.startswith(packages)}

    assert named - {*packages} - modules().keys() == set()


def test_what_is_left_out_or_taken_in_by_name_is_no_rule_already() -> None:
    texts = {name: path.read_text() for name, path in all_modules().items()}

    assert all(is_pure(texts[name]) for name in LEFT_OUT)
    assert not any(is_pure(texts[name]) for name in ALSO)
    assert all(reason for reason in (*LEFT_OUT.values(), *ALSO.values()))


@pytest.mark.parametrize(
    "text",
    ["import time", "from anyio import sleep", "def f():\n  import socket", "async def f(): ..."],
)
def test_what_could_wait_or_read_a_clock_is_not_pure(text: str) -> None:
    assert is_pure("import json\nfrom shoal.model import facts")
    assert not is_pure(text)


def test_every_mutant_that_was_found_equivalent_is_still_made() -> None:
    names = {each.module for each in EQUIVALENT}
    sources = [Source.read(name, path) for name, path in modules().items() if name in names]

    assert unused(sources) == []


def test_every_equivalent_mutant_has_its_reason() -> None:
    assert all(each.reason.strip() for each in EQUIVALENT)
