from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "development" / "dependencies.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def distribution(requirement: str) -> str:
    return re.split(r"[\[<>=~! ]", requirement, maxsplit=1)[0].lower()


def told(heading: str) -> set[str]:
    """The names in the first column of the table under a heading."""
    section = PAGE.partition(f"## {heading}")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")]
    return {name.strip() for row in rows[1:] for name in row.split(",")}


def declared(*groups: str) -> set[str]:
    requirements = [each for group in groups for each in PROJECT["dependency-groups"][group]]
    return {distribution(each) for each in requirements}


def test_what_is_needed_at_run_time_is_told_and_nothing_else() -> None:
    needed = {distribution(each) for each in PROJECT["project"]["dependencies"]}

    assert told("At run time") == needed


def test_what_tests_and_checks_need_is_told_and_nothing_else() -> None:
    assert told("For tests and checks") == declared("test", "lint")


def test_what_the_site_needs_is_told_and_nothing_else() -> None:
    assert told("For the documentation site") == declared("docs")
