"""`shoal drift`: the same change once, and what to do about it."""

from __future__ import annotations

import pytest
import yaml

from shoal.documents import load
from shoal.engine.views.applications import TargetPhase
from shoal.model.policies import SyncPolicy
from shoal.testing.views import application_view, cluster_view, drift_view, target_view

CLUSTERS = [f"dev-{number}" for number in range(1, 213)]
PATCH = (
    {"op": "test", "path": "/spec/replicas", "value": 5},
    {"op": "replace", "path": "/spec/replicas", "value": 3},
)


@pytest.fixture
def controller(shoal_controller):
    shoal_controller.application_list = [application_view(), application_view("api")]
    shoal_controller.cluster_list = [cluster_view()]
    shoal_controller.target_list = [target_view()]
    return shoal_controller


def test_one_change_on_many_clusters_is_one_entry(controller, shoal):
    controller.drift_list = [drift_view(clusters=CLUSTERS, patch=PATCH)]

    ended = shoal("drift", "list")

    first, who, *patch = ended.out.splitlines()
    assert ended.code == 1
    assert first == (
        "▲ drift-0123456789 default/web: Deployment.apps default/web was changed "
        "on 212 clusters: dev-1, dev-2, dev-3, dev-4, dev-5 and 207 more"
    )
    assert who.startswith("    by client kubectl-edit, ")
    assert who.endswith(" ago; it is only reported")
    assert patch == ["    - spec.replicas: 5", "    + spec.replicas: 3"]


def test_no_drift_is_exit_code_0(controller, shoal):
    ended = shoal("drift", "list")

    assert (ended.code, ended.out, ended.err) == (0, "", "no drift\n")


def test_no_drift_where_a_cluster_does_not_answer_is_no_answer(controller, shoal):
    controller.cluster_list = [cluster_view(reachable="Unknown")]

    assert shoal("drift", "list").code == 6
    assert shoal("drift", "list", "web").code == 6


def test_who_it_was_is_never_called_a_person(controller, shoal):
    controller.drift_list = [drift_view(kind="missing", clients=(), patch=(), policy="Correct")]

    out = shoal("drift", "list").out
    assert "was deleted on dev" in out
    assert "by an unknown client (see the API server's audit log)" in out
    assert "it is being corrected" in out


@pytest.mark.parametrize(("cluster", "code"), [("dev", 1), ("prod", 0)])
def test_only_the_drift_of_a_cluster_is_shown_when_it_is_named(controller, shoal, cluster, code):
    controller.drift_list = [drift_view()]

    assert shoal("drift", "list", "-c", cluster).code == code


def test_an_unknown_application_is_said(controller, shoal):
    assert shoal("drift", "list", "wbe").code == 4
    assert shoal("drift", "ignore", "wbe").code == 4


def test_a_revert_says_what_is_undone_and_how_to_wait_for_it(controller, shoal):
    controller.drift_list = [drift_view()]

    ended = shoal("drift", "revert", "web", "drift-0123456789", "-r", "storm")

    assert ended.code == 0
    assert controller.calls[0][2]["names"] == ["drift-0123456789"]
    assert controller.calls[0][2]["reason"] == "storm"
    assert "drift-0123456789" in ended.out
    assert "shoal wait default/web --for drift-free" in ended.err


def test_a_rule_is_printed_as_it_stands_in_the_document(controller, shoal):
    controller.drift_list = [drift_view()]

    ended = shoal("drift", "ignore", "web", "Deployment.apps default/web")

    assert ended.code == 0
    assert "add this to `spec` of application default/web (web.yaml:1)" in ended.err
    spec = yaml.safe_load(ended.out)
    assert SyncPolicy.model_validate(spec["sync"]).ignore[0].path == "/spec/replicas"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "take it out of Git, or exclude it"),
        ("added", "whenFieldsAdded: Keep"),
        ("edited", "no names of their own"),
    ],
)
def test_what_no_rule_can_say_is_said(controller, shoal, kind, said):
    controller.drift_list = [drift_view(kind=kind, ignore=())]

    ended = shoal("drift", "ignore", "web")

    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


def test_a_drift_that_is_not_there_is_not_ignored(controller, shoal):
    controller.drift_list = [drift_view()]

    assert shoal("drift", "ignore", "web", "drift-9").code == 4


def test_the_rules_of_a_list_are_data(controller, shoal):
    controller.drift_list = [drift_view()]

    found = yaml.safe_load(shoal("drift", "ignore", "web", "-o", "yaml").out)

    assert (found["kind"], found["application"]) == ("IgnoreRules", "default/web")


def test_the_printed_rule_makes_a_valid_document(controller, shoal):
    controller.drift_list = [drift_view()]
    spec = {
        "source": {"ref": "apps", "path": "web"},
        "placement": {"clusterSelector": {}},
        **yaml.safe_load(shoal("drift", "ignore", "web").out),
    }
    documents = [
        {"kind": "Fleet", "metadata": {"name": "acme"}},
        {"kind": "Application", "metadata": {"name": "web"}, "spec": spec},
    ]
    text = yaml.safe_dump_all({"apiVersion": "shoal.dev/v1alpha1", **one} for one in documents)

    problems = load({"fleet.yaml": text.encode()}, {}).problems

    assert [problem.field for problem in problems] == ["spec.source.ref"]


def test_the_status_screen_tells_the_same_drift_of_many_clusters_once(controller, shoal):
    controller.target_list = [target_view(name, phase=TargetPhase.DRIFTED) for name in CLUSTERS]
    controller.drift_list = [drift_view(clusters=CLUSTERS, patch=PATCH)]

    ended = shoal("status")

    assert ended.code == 1
    assert [line for line in ended.out.splitlines() if "▲ Drifted" in line and "  ▲" in line] == [
        "  ▲ Drifted  default/web: Deployment.apps default/web was changed by client kubectl-edit "
        "on 212 clusters: dev-1, dev-2, dev-3, dev-4, dev-5 and 207 more"
    ]
    assert "next: shoal drift list default/web" in ended.out
