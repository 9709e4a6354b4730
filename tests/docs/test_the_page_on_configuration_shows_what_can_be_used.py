"""The page on configuration: its file can be used, and no variable is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shoal.composition.configuration_file import read_file
from shoal.composition.configuring import OTHER_VARIABLES

PAGE = (Path(__file__).parents[2] / "docs" / "operations" / "configuration.md").read_text()
HEAD = "apiVersion: shoal.dev/v1alpha1\nkind: Configuration\n"


def test_the_file_of_the_page_can_be_used_as_it_is(tmp_path: Path) -> None:
    found = re.search(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
    assert found is not None
    (tmp_path / "secrets").mkdir()
    file = tmp_path / "shoal.yaml"
    file.write_text(found[1].replace("/etc/shoal/secrets", "secrets"))

    read = read_file(file)

    assert read.problems == ()
    assert len(read.values) == found[1].count("\n") - HEAD.count("\n") - 2


@pytest.mark.parametrize("name", sorted(OTHER_VARIABLES - {"SHOAL_TEST_KUBERNETES"}))
def test_variables_that_are_no_settings_are_told(name: str) -> None:
    assert f"`{name}`" in PAGE
