"""The page on configuration: its file can be used, and no variable is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.pages import ROOT, blocks_of

from shoal.composition.configuration_file import read_file
from shoal.composition.configuring import OTHER_VARIABLES

PAGE = ROOT / "docs" / "operations" / "configuration.md"
HEAD = "apiVersion: shoal.dev/v1alpha1\nkind: Configuration\n"


def test_the_file_of_the_page_can_be_used_as_it_is(tmp_path: Path) -> None:
    shown = next(each.text for each in blocks_of(PAGE) if each.language == "yaml")
    (tmp_path / "secrets").mkdir()
    file = tmp_path / "shoal.yaml"
    file.write_text(shown.replace("/etc/shoal/secrets", "secrets"))

    read = read_file(file)

    assert read.problems == ()
    assert len(read.values) == shown.count("\n") - HEAD.count("\n") - 2


@pytest.mark.parametrize("name", sorted(OTHER_VARIABLES - {"SHOAL_TEST_KUBERNETES"}))
def test_variables_that_are_no_settings_are_told(name: str) -> None:
    assert f"`{name}`" in PAGE.read_text()
