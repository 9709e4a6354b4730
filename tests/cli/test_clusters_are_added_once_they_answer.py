"""`shoal cluster add` proves a cluster before it writes its document; `ping` asks the same."""

import json
import os
from pathlib import Path

import pytest
import yaml
from tests.kubernetes.planes import kubeconfig_of

HEAD = "apiVersion: shoal.dev/v1alpha1\n"
CLOSED = """
current-context: gone
contexts: [{name: gone, context: {cluster: gone, user: me}}]
clusters: [{name: gone, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {token: abc}}]
"""

pytestmark = pytest.mark.real


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A fleet with an application for `env: dev`, and no clusters; the current folder is its."""
    monkeypatch.setattr("shoal.composition.lending.cache_folder", lambda: tmp_path / "cache")
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "fleet.yaml").write_text(f"{HEAD}kind: Fleet\nmetadata: {{name: acme}}\n")
    (folder / "web.yaml").write_text(
        f"{HEAD}kind: Application\nmetadata: {{name: web}}\nspec:\n"
        "  source: {git: {url: ../apps}}\n"
        "  placement: {clusterSelector: {matchLabels: {env: dev}}}\n"
    )
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def kubeconfig(clusters) -> Path:
    return kubeconfig_of(clusters["dev"])


def test_a_cluster_that_answers_gets_a_document_with_its_context(run, folder, kubeconfig):
    ended = run(
        "cluster", "add", "dev", "--kubeconfig", str(kubeconfig), "-l", "env=dev", "-o", "json"
    )

    assert ended.code == 0, ended
    document = yaml.safe_load((folder / "clusters" / "dev.yaml").read_text())
    context = yaml.safe_load(kubeconfig.read_text())["current-context"]
    assert document["metadata"] == {"name": "dev", "labels": {"env": "dev"}}
    access = {"path": str(kubeconfig), "context": context}
    assert document["spec"] == {"access": {"kubeconfig": access}}
    found = json.loads(ended.out)
    assert found["uid"]
    assert found["version"].startswith("v1.")
    assert found["is_all_allowed"] is True
    assert abs(found["clock_ahead_seconds"]) < 5
    assert "placed on dev by these labels: default/web" in ended.err
    assert "git add clusters/dev.yaml && git commit" in ended.err
    assert run("validate").code == 0


def test_a_second_document_for_the_same_cluster_is_refused(run, folder, kubeconfig):
    assert run("cluster", "add", "dev", "--kubeconfig", str(kubeconfig)).code == 0

    again = run("cluster", "add", "dev", "--kubeconfig", str(kubeconfig))
    other = run("cluster", "add", "other", "--kubeconfig", str(kubeconfig))

    assert (again.code, other.code) == (3, 3)
    assert "is there already: clusters/dev.yaml:1" in again.err
    assert "the Cluster dev leads to this cluster already: clusters/dev.yaml:1" in other.err
    assert sorted(os.listdir(folder / "clusters")) == ["dev.yaml"]


def test_a_kubeconfig_inside_the_folder_is_named_by_its_path_there(run, folder, kubeconfig):
    (folder / "dev.kubeconfig").write_bytes(kubeconfig.read_bytes())

    ended = run("cluster", "add", "dev", "--kubeconfig", "dev.kubeconfig")

    assert ended.code == 0, ended
    document = yaml.safe_load((folder / "clusters" / "dev.yaml").read_text())
    assert document["spec"]["access"]["kubeconfig"]["path"] == "dev.kubeconfig"


def test_a_credential_that_may_not_ask_who_it_is_is_5_and_nothing_is_written(run, folder, clusters):
    guest = kubeconfig_of(clusters["dev"], "guest")

    ended = run("cluster", "add", "dev", "--kubeconfig", str(guest))

    assert (ended.code, ended.out) == (5, "")
    assert "grant get on the namespace kube-system" in ended.err
    assert not (folder / "clusters").exists()


def test_a_cluster_that_does_not_answer_is_6_and_keeps_no_other_waiting(run, folder, kubeconfig):
    (folder / "gone.kubeconfig").write_text(CLOSED)

    added = run("cluster", "add", "gone", "--kubeconfig", "gone.kubeconfig")
    (folder / "gone.yaml").write_text(
        f"{HEAD}kind: Cluster\nmetadata: {{name: gone}}\n"
        "spec: {access: {kubeconfig: {path: gone.kubeconfig}}}\n"
    )
    second = run("cluster", "add", "dev", "--kubeconfig", str(kubeconfig))
    pinged = run("cluster", "ping", "--fleet", ".")

    assert (added.code, second.code, pinged.code) == (6, 0, 6)
    assert "warning: gone did not answer" in second.err
    assert (folder / "dev.yaml").exists()  # beside the other Cluster documents
    assert ["✖ Silent" in line for line in pinged.out.splitlines()[1:]] == [False, True]
    assert "1/2 clusters answered" in pinged.err


def test_a_context_that_is_not_there_is_told_with_the_nearest(run, folder, kubeconfig):
    ended = run("cluster", "add", "dev", "--kubeconfig", str(kubeconfig), "--context", "dve")

    assert (ended.code, ended.out) == (3, "")
    assert "has no context dve" in ended.err


@pytest.mark.parametrize("format", ["table", "yaml", "name", "jsonl"])
def test_what_is_printed_is_data_in_the_format_asked_for(run, folder, kubeconfig, format):
    ended = run("cluster", "add", "dev", "--kubeconfig", str(kubeconfig), "-o", format)

    assert ended.code == 0, ended
    if format in ("yaml", "jsonl"):
        assert yaml.safe_load(ended.out)["kind"] == "Cluster"
    else:
        assert "dev" in ended.out.splitlines()[0]


@pytest.mark.parametrize(
    "words",
    [
        ("cluster", "add", "A_b", "--kubeconfig", "x"),
        ("cluster", "add", "dev", "-l", "env", "--kubeconfig", "x"),
    ],
)
def test_a_name_or_label_that_is_none_is_refused_before_anything_is_asked(run, folder, words):
    ended = run(*words)

    assert ended.code in (2, 3)
    assert "lower-case letters" in ended.err or "is not KEY=VALUE" in ended.err


def test_several_files_in_the_variable_are_not_guessed_among(run, folder, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "a:b")

    assert run("cluster", "add", "dev").code == 2
