"""The page on safety: each row names tests that are there, or says that it is not done."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from tests.docs.named_tests import ROOT, missing, named_in

PAGE = ROOT / "docs" / "operations" / "safety.md"
NOT_YET = "not yet"


class Row(NamedTuple):
    """One line of a table whose last column names tests."""

    section: str
    subject: str
    tests: str


def rows() -> list[Row]:
    found, section, header = [], "", []
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if not line.startswith("|"):
            header = []
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        header = header or cells
        if header[-1] == "tests" and cells != header and set(line) - set("|- "):
            assert len(cells) == len(header), f"a cell too many or too few: {line}"
            found.append(Row(section, cells[0], cells[-1]))
    return found


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.subject[:60])
def test_a_row_names_tests_that_are_there_or_says_that_it_is_not_done(row: Row):
    tests = named_in(row.tests)

    assert tests or row.tests.startswith(NOT_YET), f"no test holds: {row.subject}"
    assert not missing(tests), f"{row.subject} names tests that are not there"


def test_every_invariant_has_its_row():
    numbers = [row.subject.split(".")[0] for row in rows() if row.section == "Invariants"]

    assert list(dict.fromkeys(numbers)) == [str(number) for number in range(1, 10)]
