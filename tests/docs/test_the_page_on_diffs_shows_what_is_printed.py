"""What docs/how-to/diffing.md shows is what the command prints of such differences."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from shoal.cli.diffing import diff
from shoal.cli.ending import Ending, carry_out
from shoal.engine.views.changes import Difference
from shoal.testing.controllers import FakeController, served
from shoal.testing.views import application_view, diff_view

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "diffing.md").read_text()
SHOWN = re.search(r"^```console\n\$ shoal (diff web --rev v1.27)\n(.*?)^```", PAGE, re.M | re.S)
COMMANDS = re.findall(r"^\$ shoal (diff .*?)(?:  +#.*| >.*)?$", PAGE, re.M)
IMAGE = "/spec/template/spec/containers/0/image"
BANNER = {
    "apiVersion": "v1",
    "data": {"text": "hello"},
    "kind": "ConfigMap",
    "metadata": {"name": "banner", "namespace": "shop"},
}
DIFFERENCES = [
    Difference(
        object="ConfigMap shop/banner",
        action="create",
        clusters=["prod-1"],
        cause="not there yet",
        patch=[{"op": "add", "path": "", "value": BANNER}],
    ),
    Difference(
        object="Deployment.apps shop/web",
        action="update",
        clusters=sorted(f"prod-{number}" for number in range(1, 39)),
        cause="changed in Git",
        patch=[
            {"op": "test", "path": IMAGE, "value": "nginx:1.26"},
            {"op": "replace", "path": IMAGE, "value": "nginx:1.27"},
        ],
    ),
    Difference(
        object="Service shop/old",
        action="delete",
        clusters=["prod-2", "prod-3"],
        cause="removed from Git",
    ),
]


def test_the_page_shows_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert SHOWN is not None
    found = diff_view(revision="v1.27", clusters=38, answered=38, differences=DIFFERENCES)
    controller = FakeController(application_list=[application_view()], diffs=[found])

    with served(controller, tmp_path):
        code = carry_out([*SHOWN[1].split(), "--state", str(tmp_path)])

    assert (code, capsys.readouterr().out) == (Ending.NO, SHOWN[2])


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_page_can_be_typed(command: str) -> None:
    _, *words = command.replace('"$BRANCH"', "topic").split()

    diff.make_context("shoal diff", words).close()


def test_the_commands_of_the_page_were_found() -> None:
    assert len(COMMANDS) >= 6
    assert isinstance(diff, click.Command)
