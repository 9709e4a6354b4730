"""What a table says beyond its fields: which object was corrected, where the rest is listed."""

import click
import pytest

from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.fleet import DocumentProblem
from shoal.model.records import Deed, Entry, Record, Verdict
from shoal.testing.views import AT, application_view, cluster_view, fleet_view, target_view

PROBLEM = DocumentProblem("a.yaml", 3, "spec", "bad", "fix")
REST = ", ".join(f"`shoal get {kind}`" for kind in ("applications", "sources", "targets", "holds"))


@pytest.mark.parametrize("words", [("history",), ("get", "events")])
@pytest.mark.parametrize(
    ("what", "objects", "why"),
    [
        (Deed.TARGET_CORRECTED, ["ConfigMap a/b"], "drift (ConfigMap a/b)"),
        (Deed.TARGET_CORRECTED, ["ConfigMap a/b", "ConfigMap a/c"], "drift"),
        (Deed.TARGET_CORRECTED, [], "drift"),
        (Deed.TARGET_SYNCED, ["ConfigMap a/b"], "drift"),
    ],
)
def test_a_correction_of_one_object_names_it(shoal_controller, shoal, words, what, objects, why):
    body = {"changes": [{"object": name} for name in objects]}
    entry = Entry(AT, "Ana", what, "drift", "default/web@dev", Verdict.SUCCEEDED, body=body)
    shoal_controller.record_list = [Record("a", 7, "", "h", entry)]

    ended = shoal(*words, "--no-headers")

    assert ended.out.rstrip().endswith(f"   {why}")


@pytest.mark.parametrize(
    ("problems", "targets", "rest"),
    [
        (12, 0, "… and 2 more: `shoal validate`"),
        (12, 1, f"… and 3 more: `shoal validate`, {REST}"),
        (9, 2, f"… and 1 more: {REST}"),
    ],
)
def test_status_says_where_the_rest_is_listed(shoal_controller, shoal, problems, targets, rest):
    shoal_controller.fleet_value = fleet_view(problems=[PROBLEM] * problems)
    shoal_controller.target_list = [
        target_view(application=f"a{number}", phase=TargetPhase.FAILED) for number in range(targets)
    ]

    assert shoal("status").out.endswith(f"  {rest}\n")


def test_a_target_is_described_with_what_fails_its_application_as_a_whole(shoal_controller, shoal):
    """The target itself keeps what it has, and looks as it should."""
    shoal_controller.target_list = [target_view()]
    shoal_controller.application_list = [
        application_view(phase=TargetPhase.FAILED, message="web/a.yaml:3: no YAML")
    ]

    ended = shoal("describe", "target", "web@dev")

    assert ended.code == 0
    assert "applications:" in ended.out
    assert "web/a.yaml:3: no YAML" in ended.out


def test_equal_states_beside_each_other_are_coloured_each(shoal_controller, shoal):
    shoal_controller.cluster_list = [cluster_view("dev")]

    ended = shoal("get", "clusters", "--no-headers", "--color", "always")

    painted = click.style("✔ True", fg="green")
    assert ended.out.startswith(f"dev   {painted}   {painted}   ")
