"""`shoal render --explain`: what was rendered from what, and what each override did to it."""

import json

import pytest

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 1
  template:
    spec: {containers: [{name: web, image: "nginx:1.25", env: [{name: A, value: canary-env}]}]}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
stringData: {token: canary-old}
---
apiVersion: batch/v1
kind: Job
metadata: {name: seed, namespace: shop}
"""
OVERRIDES = (
    "clusterSelector: {matchLabels: {env: dev}}, exclude: [{kind: Job}]",
    "clusterSelector: {matchLabels: {env: prod}}, "
    "merge: [{target: {kind: Deployment}, patch: {spec: {replicas: 3}}}, "
    "{target: {kind: Secret}, patch: {stringData: {token: canary-new}}}], "
    "patches: [{target: {name: web}, operations: "
    "[{op: replace, path: /spec/template/spec/containers/0/env/0/value, value: canary-env2}]}], "
    "images: [{name: nginx, newTag: '1.27'}], exclude: [{kind: Job}]",
)


@pytest.fixture
def shop(fleet):
    fleet.put(web=WEB)
    fleet.override(*OVERRIDES)
    return fleet


def test_every_step_is_told_in_order(shop):
    told = json.loads(shop.render("web", "-c", "eu-1", "--explain", "-o", "json").out)

    assert (told["kind"], told["application"], told["cluster"]) == (
        "Explanation",
        "default/web",
        "eu-1",
    )
    assert [(step["step"], step["outcome"]) for step in told["overrides"]] == [
        ("overrides[0]", "Skipped"),
        ("overrides[1].merge[0]", "Applied"),
        ("overrides[1].merge[1]", "Applied"),
        ("overrides[1].patches[0]", "Applied"),
        ("overrides[1].images[0]", "Applied"),
        ("overrides[1].exclude[0]", "Applied"),
    ]
    merge, secret, patch, images, exclude = [step["objects"][0] for step in told["overrides"][1:]]
    assert merge["patch"] == [{"op": "replace", "path": "/spec/replicas", "value": 3}]
    assert secret["patch"] == [{"op": "replace", "path": "/stringData/token", "value": "***"}]
    assert patch["patch"][0]["value"] == "***"
    assert images["images"] == [
        {
            "path": "/spec/template/spec/containers/0/image",
            "before": "nginx:1.25",
            "after": "nginx:1.27",
        }
    ]
    assert (exclude["object"], exclude["change"]) == ("Job.batch shop/seed", "Excluded")
    assert told["objects"] == 2


def test_the_render_itself_is_told(shop):
    render = json.loads(shop.render("web", "-c", "eu-1", "--explain", "-o", "json").out)["render"]

    assert (render["renderer"], render["folder"], render["objects"]) == ("plain", "web", 3)
    assert render["files"] == ["web/web.yaml"]


def test_a_secret_inside_a_list_is_no_less_secret(fleet):
    item = "{apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {a: canary-1}}"
    fleet.put(list=f"apiVersion: v1\nkind: List\nmetadata: {{name: all}}\nitems: [{item}]\n")
    operation = "{op: replace, path: /items/0/stringData/a, value: canary-2}"
    fleet.override(
        f"clusterSelector: {{}}, patches: [{{target: {{kind: List}}, operations: [{operation}]}}]"
    )

    ended = fleet.render("web", "--explain")

    assert '    replace /items/0/stringData/a: "***"' in ended.out.splitlines()
    assert "canary" not in ended.out + fleet.render("web").out


@pytest.mark.parametrize("format", [(), ("-o", "json"), ("-o", "yaml")])
def test_no_value_of_a_secret_or_of_the_environment_is_shown(shop, format):
    ended = shop.render("web", "-c", "eu-1", "--explain", *format)

    assert ended.code == 0
    assert "canary" not in ended.out + ended.err


def test_a_person_reads_lines(shop):
    ended = shop.render("web", "-c", "eu-1", "--explain")

    lines = ended.out.splitlines()
    assert lines[0] == "default/web on eu-1, at working copy"
    assert lines[1].startswith("render: plain ")
    assert lines[2] == "  3 objects from 1 file: web/web.yaml"
    assert lines[3:-1] == [
        "overrides[0]: skipped, its clusterSelector does not match",
        "overrides[1].merge[0]:",
        "  Deployment.apps shop/web (web/web.yaml:1): changed",
        "    replace /spec/replicas: 3",
        "overrides[1].merge[1]:",
        "  Secret shop/key (web/web.yaml:9): changed",
        '    replace /stringData/token: "***"',
        "overrides[1].patches[0]:",
        "  Deployment.apps shop/web (web/web.yaml:1): changed",
        '    replace /spec/template/spec/containers/0/env/0/value: "***"',
        "overrides[1].images[0]:",
        "  Deployment.apps shop/web (web/web.yaml:1): changed",
        "    /spec/template/spec/containers/0/image: nginx:1.25 → nginx:1.27",
        "overrides[1].exclude[0]:",
        "  Job.batch shop/seed (web/web.yaml:14): excluded",
    ]
    assert lines[-1].startswith("result: 2 objects, digest ")


def test_what_does_not_fit_is_shown_among_the_others_and_the_exit_code_is_3(shop):
    shop.override(*OVERRIDES, "clusterSelector: {}, images: [{name: ngnix, newTag: '2'}]")

    ended = shop.render("web", "-c", "eu-1", "--explain")

    assert ended.code == 3
    assert "overrides[2].images[0]: failed" in ended.out
    assert "did you mean nginx?" in ended.out
    assert "result:" not in ended.out
    assert "error: cluster eu-1: overrides[2].images[0]: no container has the image" in ended.err


def test_what_is_explained_is_what_is_printed(shop):
    told = json.loads(shop.render("web", "-c", "eu-1", "--explain", "-o", "json").out)
    printed = json.loads(shop.render("web", "-c", "eu-1", "-o", "json").out)["items"]

    assert len(printed) == told["objects"]
    deployment = next(each for each in printed if each["kind"] == "Deployment")
    assert deployment["spec"]["replicas"] == 3
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.27"
