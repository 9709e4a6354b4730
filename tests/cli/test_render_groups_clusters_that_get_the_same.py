"""`shoal render` without a cluster: one answer for all, or who gets the same as whom."""

import json

import pytest
import yaml

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\ndata: {a: b}\n"


@pytest.fixture
def shop(fleet):
    fleet.put(map=MAP)
    return fleet


def test_what_all_clusters_get_is_printed(shop):
    ended = shop.render("web")

    assert ended.code == 0, ended
    assert yaml.safe_load(ended.out)["data"] == {"a": "b"}


def test_clusters_that_get_the_same_are_listed_together_and_one_is_asked_for(shop):
    shop.override(
        "clusterSelector: {matchLabels: {env: prod}}, "
        "merge: [{target: {kind: ConfigMap}, patch: {data: {a: c}}}]"
    )

    ended = shop.render("web")

    assert ended.code == 1
    assert [line.split()[1:] for line in ended.out.splitlines()] == [
        ["OBJECTS", "CLUSTERS"],
        ["1", "eu-1,", "us-1"],
        ["1", "dev"],
    ]
    assert "--cluster eu-1" in ended.err


def test_the_digest_of_a_group_is_that_of_each_of_its_clusters(shop):
    shop.override(
        "clusterSelector: {matchLabels: {env: prod}}, "
        "merge: [{target: {kind: ConfigMap}, patch: {data: {a: '${cluster.labels.region}'}}}]"
    )

    groups = json.loads(shop.render("web", "-o", "json").out)
    digests = {each["clusters"][0]: each["digest"] for each in groups["items"]}

    assert (groups["kind"], len(digests)) == ("RenderGroupList", 3)
    for cluster, digest in digests.items():
        told = json.loads(shop.render("web", "-c", cluster, "--explain", "-o", "json").out)
        assert told["digest"] == digest


def test_a_cluster_that_fails_is_named_and_nothing_is_printed(shop):
    shop.override(
        "clusterSelector: {matchLabels: {region: eu}}, exclude: [{kind: Secret}]",
    )

    ended = shop.render("web")

    assert (ended.code, ended.out) == (3, "")
    assert "cluster eu-1: overrides[0].exclude[0]: no object matches (kind Secret)" in ended.err


def test_an_explanation_of_all_is_that_of_the_first_of_them(shop):
    ended = shop.render("web", "--explain")

    assert ended.code == 0
    assert ended.out.startswith("default/web on dev (and 2 more that get the same), at working")


def test_one_that_is_placed_nowhere_is_4(shop):
    shop.override(selector="{matchLabels: {env: nowhere}}")

    ended = shop.render("web")

    assert (ended.code, ended.out) == (4, "")
    assert "placed on no cluster" in ended.err
