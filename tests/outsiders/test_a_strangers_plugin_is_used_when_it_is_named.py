"""The example, installed from its wheel: found, loaded when it is named, used, and gone again."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.outsiders.conftest import EXAMPLE, Ended, Outside

from shoal.cli.ending import Ending

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'web-${REGION}', namespace: shop}\n"
NAMED = "--plugin shoal-example"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """The fleet of the example, and `apps`, a working copy of what its source gives."""
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "install.yaml").write_text(MAP)
    shutil.copytree(EXAMPLE / "fleet", tmp_path / "fleet")
    return tmp_path


def test_what_nobody_has_named_is_not_used_and_what_is_named_is(
    outside: Outside, fleet: Path
) -> None:
    listed, refused, named, validated, rendered, made = outside.shoal(
        "plugin list -o json",
        "validate fleet",
        f"{NAMED} plugin list -o json",
        f"{NAMED} validate fleet",
        f"{NAMED} render web --fleet fleet --cluster eu-1 --path apps",
        "plugin new acme-chat",
        cwd=fleet,
    )

    assert _rows(listed) == [("NotNamed", "", "")]
    assert "shoal --plugin shoal-example==0.1.0@sha256:" in listed.out
    assert refused.code == Ending.NO
    assert "spec.http: neither a field nor the name of a source plugin" in refused.out
    assert "to load it: shoal --plugin shoal-example" in refused.err
    assert _rows(named) == [
        ("Loaded", "sources", "http"),
        ("Loaded", "renderers", "substitute"),
        ("Loaded", "notifiers", "ntfy"),
    ]
    assert validated.code == Ending.OK, validated
    assert "name: web-eu" in rendered.out, rendered
    assert made.code == Ending.OK, made
    assert (fleet / "acme-chat" / "src" / "acme_chat" / "http_source.py").is_file()


def _rows(listed: Ended) -> list[tuple[str, str, str]]:
    """State, seam and name of what the example registered."""
    rows = [each for each in json.loads(listed.out)["items"] if each["plugin"] == "example"]
    return [(row["state"], row["seam"], row["name"]) for row in rows]


def test_what_is_uninstalled_is_missed_by_name(outside: Outside, fleet: Path) -> None:
    with outside.without("shoal-example", "shoal_example*.whl"):
        named, validated = outside.shoal(f"{NAMED} plugin list", "validate fleet", cwd=fleet)

    assert named.code == Ending.NOT_FOUND
    assert "no distribution of that name with a plugin is installed" in named.err
    assert validated.code == Ending.NO
    assert "spec.render.substitute: not the name of a renderer plugin" in validated.out
    assert "install that and name it: shoal --plugin DISTRIBUTION" in validated.out


def test_its_own_tests_pass_where_it_is_installed(outside: Outside, tmp_path: Path) -> None:
    """Without its sources: what is tested is what the wheel holds."""
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLE / "pyproject.toml", tmp_path)
    words = (outside.program("pytest"), "-q", "-p", "no:cacheprovider")
    ended = subprocess.run(
        words, cwd=tmp_path, env=outside.environment, capture_output=True, text=True
    )

    assert ended.returncode == 0, ended.stdout
