"""`shoal drift adopt`: what to commit, and where; with --write, into the document itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from shoal.engine.views.clusters import SilentCluster
from shoal.testing.views import adoptions_view, application_view, cluster_view, drift_view

DOCUMENT = """\
# the shop's own
apiVersion: shoal.dev/v1alpha1
kind: Application
metadata: {name: web}
spec:
  source: {ref: apps, path: web}  # moved in May
  placement: {clusterSelector: {}}
"""


@pytest.fixture
def controller(shoal_controller):
    shoal_controller.application_list = [application_view()]
    shoal_controller.cluster_list = [cluster_view()]
    return shoal_controller


def adoption(**changes):
    return replace(adoptions_view().adoptions[0], **changes)


def test_what_is_printed_is_an_entry_of_overrides(controller, shoal):
    ended = shoal("drift", "adopt", "web")

    assert ended.code == 0
    assert yaml.safe_load(ended.out)["overrides"] == [adoption().override]
    assert ended.out.startswith("# Deployment.apps default/web on dev\n#   ~ spec.replicas: 5\n")
    assert "add this to `spec` of application default/web (web.yaml:1)" in ended.err


def test_where_all_clusters_have_it_the_manifest_is_named(controller, shoal):
    controller.adoptions = adoptions_view(adoptions=(adoption(everywhere=True),))

    assert "you may change web/deployment.yaml:1 instead" in shoal("drift", "adopt", "web").out


def test_what_cannot_be_told_is_said_and_the_exit_code_is_1(controller, shoal):
    refused = adoption(object="Secret default/login", override={}, refused="it is a Secret")
    controller.adoptions = adoptions_view(adoptions=(adoption(), refused))

    ended = shoal("drift", "adopt", "web")

    assert ended.code == 1
    assert "Secret default/login on dev: it is a Secret" in ended.err
    assert len(yaml.safe_load(ended.out)["overrides"]) == 1


def test_a_cluster_without_an_answer_makes_it_6(controller, shoal):
    silent = (SilentCluster("prod", "ClusterNotConnected", "it is away", ""),)
    controller.adoptions = adoptions_view(unanswered=silent)

    ended = shoal("drift", "adopt", "web")

    assert ended.code == 6
    assert "no answer from prod: it is away" in ended.err


def test_nothing_to_adopt_is_no_failure(controller, shoal):
    controller.adoptions = adoptions_view(adoptions=())

    ended = shoal("drift", "adopt", "web")

    assert (ended.code, ended.out, ended.err) == (0, "", "nothing to adopt\n")


def test_it_is_written_into_the_document_and_nothing_else_changes(controller, shoal, tmp_path):
    file = tmp_path / "web.yaml"
    file.write_text(DOCUMENT)

    ended = shoal("drift", "adopt", "web", "--write", str(file))

    assert ended.code == 0
    assert f"added to {file}" in ended.err
    assert file.read_text().startswith(DOCUMENT)
    assert yaml.safe_load(file.read_text())["spec"]["overrides"] == [adoption().override]


def test_a_rule_is_written_too(controller, shoal, tmp_path):
    controller.drift_list = [drift_view()]
    file = tmp_path / "web.yaml"
    file.write_text(DOCUMENT)

    assert shoal("drift", "ignore", "web", "--write", str(file)).code == 0
    assert yaml.safe_load(file.read_text())["spec"]["sync"]["ignore"][0]["path"] == "/spec/replicas"


def test_a_file_of_another_application_is_left_alone(controller, shoal, tmp_path):
    file = tmp_path / "api.yaml"
    file.write_text(DOCUMENT.replace("name: web", "name: api"))
    before = file.read_text()

    ended = shoal("drift", "adopt", "web", "--write", str(file))

    assert (ended.code, file.read_text()) == (3, before)
    assert "there is no Application default/web in this file" in ended.err
