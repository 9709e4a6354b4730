"""`shoal cluster label` and `rm` change the document in its file, and tell what that moves."""

import json

import pytest
import yaml

FORMATS = ("table", "json", "yaml", "name", "jsonl")


def test_a_label_is_set_in_the_file_and_what_moves_is_told(fleet):
    fleet.override(selector="{matchLabels: {env: prod}}")
    file = fleet.folder / "cluster-dev.yaml"

    ended = fleet.run("cluster", "label", "dev", "env=prod", "region=eu", "-o", "json")

    assert ended.code == 0, ended
    assert yaml.safe_load(file.read_text())["metadata"]["labels"] == {"env": "prod", "region": "eu"}
    assert "{env: prod, region: eu}" in file.read_text()
    found = json.loads(ended.out)
    assert (found["file"], found["labels"]) == (
        "cluster-dev.yaml",
        {"env": "prod", "region": "eu"},
    )
    assert "placed on dev by these labels: default/web" in ended.err
    assert "git add cluster-dev.yaml && git commit" in ended.err


def test_what_leaves_a_cluster_by_a_label_is_a_warning(fleet):
    fleet.override(selector="{matchLabels: {env: prod}}")

    ended = fleet.run("cluster", "label", "eu-1", "env-")

    assert ended.code == 0
    assert "warning: no longer placed on eu-1: default/web" in ended.err
    assert ended.out == "cluster-eu-1.yaml: region=eu\n"


def test_a_label_that_is_so_already_changes_nothing(fleet):
    before = (fleet.folder / "cluster-dev.yaml").read_bytes()

    ended = fleet.run("cluster", "label", "dev", "env=dev", "nothing-")

    assert (ended.code, "nothing to change" in ended.err) == (0, True)
    assert (fleet.folder / "cluster-dev.yaml").read_bytes() == before


@pytest.mark.parametrize("words", [(), ("env",), ("=x",), ("-",)])
def test_what_is_no_label_is_a_usage_error(fleet, words):
    assert fleet.run("cluster", "label", "dev", *words).code == 2


@pytest.mark.parametrize("verb", [("label", "dve", "a=b"), ("rm", "dve")])
def test_an_unknown_cluster_is_4_with_the_nearest_name(fleet, verb):
    ended = fleet.run("cluster", *verb)

    assert (ended.code, ended.out) == (4, "")
    assert "did you mean dev?" in ended.err


def test_a_document_that_is_not_valid_can_be_labelled_too(fleet):
    file = fleet.folder / "cluster-dev.yaml"
    file.write_text(file.read_text().replace("spec: {", "spec: {nonsense: 1, "))

    ended = fleet.run("cluster", "label", "dev", "tier=gold")

    assert ended.code == 0
    assert "warning: cluster-dev.yaml:" in ended.err
    assert "tier: gold" in file.read_text()


def test_a_cluster_is_taken_out_with_its_file_or_out_of_it(fleet):
    two = (fleet.folder / "cluster-eu-1.yaml").read_text()
    with (fleet.folder / "cluster-us-1.yaml").open("a") as opened:
        opened.write("---\n" + two)
    (fleet.folder / "cluster-eu-1.yaml").unlink()

    alone = fleet.run("cluster", "rm", "dev")
    shared = fleet.run("cluster", "rm", "eu-1")

    assert (alone.code, alone.out) == (0, "removed cluster-dev.yaml\n")
    assert not (fleet.folder / "cluster-dev.yaml").exists()
    assert (shared.code, shared.out) == (0, "taken out of cluster-us-1.yaml\n")
    assert "name: eu-1" not in (fleet.folder / "cluster-us-1.yaml").read_text()
    assert "nothing is deleted in the cluster" in shared.err


@pytest.mark.parametrize("verb", [("label", "dev", "a=b"), ("rm", "dev")])
@pytest.mark.parametrize("format", FORMATS)
def test_what_is_printed_is_data_in_the_format_asked_for(fleet, verb, format):
    ended = fleet.run("cluster", *verb, "-o", format)

    assert ended.code == 0, ended
    if format in ("json", "jsonl", "yaml"):
        assert yaml.safe_load(ended.out)["kind"] == "Cluster"
    else:
        assert ended.out.count("\n") == 1


def test_a_folder_without_a_fleet_is_told_what_makes_one(run, tmp_path):
    ended = run("cluster", "rm", "dev", "--fleet", str(tmp_path))

    assert ended.code == 3
    assert f"`shoal init {tmp_path}` makes one" in ended.err
