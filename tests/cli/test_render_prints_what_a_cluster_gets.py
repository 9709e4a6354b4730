"""`shoal render`: the exact objects, offline, as `kubectl apply` takes them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "nginx:1.25"}]}}}
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop, annotations: {copy: canary-a}}
data: {password: Y2FuYXJ5LWI=}
stringData: {token: canary-c}
"""
CANARIES = ("canary-a", "Y2FuYXJ5LWI=", "canary-c")


@pytest.fixture
def shop(fleet):
    """The fleet with one Deployment in a Namespace."""
    fleet.put(web=WEB, xnamespace=NAMESPACE)
    return fleet


def objects(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def test_the_objects_are_a_yaml_stream_in_an_order_that_can_be_applied(shop):
    ended = shop.render("web", "--cluster", "eu-1")

    assert ended.code == 0, ended
    assert [each["kind"] for each in objects(ended.out)] == ["Namespace", "Deployment"]
    assert ended.out.count("---\n") == 2


def test_all_formats_hold_the_same_objects(shop):
    stream = objects(shop.render("web", "-c", "dev").out)
    listed = json.loads(shop.render("web", "-c", "dev", "-o", "json").out)
    lines = shop.render("web", "-c", "dev", "-o", "jsonl").out.splitlines()

    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    assert listed["items"] == stream == [json.loads(line) for line in lines]
    assert shop.render("web", "-c", "dev", "-o", "name").out.split() == [
        "namespace/shop",
        "deployment.apps/shop/web",
    ]
    assert "web/web.yaml:1" in shop.render("web", "-c", "dev", "-o", "table").out


def test_what_is_meant_for_a_cluster_is_in_its_objects_only(shop):
    shop.override(
        "clusterSelector: {matchLabels: {env: prod}}, "
        "merge: [{target: {kind: Deployment}, patch: {spec: {replicas: 3}}}]"
    )

    replicas = {
        cluster: objects(shop.render("web", "-c", cluster).out)[1]["spec"]["replicas"]
        for cluster in ("dev", "eu-1")
    }
    assert replicas == {"dev": 1, "eu-1": 3}


@pytest.mark.parametrize("format", ["yaml", "json", "jsonl", "name", "table"])
def test_values_of_secrets_are_masked_and_said_to_be(shop, format):
    listed = "".join(f"  {line}\n" for line in SECRET.splitlines())
    items = f"apiVersion: v1\nkind: List\nitems:\n- {listed.strip()}\n"
    shop.put(secret=SECRET, items=items.replace("name: key", "name: other"))

    ended = shop.render("web", "-c", "dev", "-o", format)

    assert ended.code == 0, ended
    assert not [canary for canary in CANARIES if canary in ended.out + ended.err]
    assert ("--show-secrets" in ended.err) == (format not in ("name", "table"))


def test_secrets_are_shown_when_that_is_asked_for(shop):
    shop.put(secret=SECRET)

    ended = shop.render("web", "-c", "dev", "--show-secrets")

    assert [canary for canary in CANARIES if canary in ended.out] == list(CANARIES)
    assert ended.err == ""


def test_without_an_application_all_of_the_cluster_are_printed(shop):
    shop.write(
        "api.yaml",
        "kind: Application\nmetadata: {name: api, namespace: shop}\n"
        "spec: {source: {git: {url: ../apps}, path: api},"
        " placement: {clusterSelector: {matchLabels: {env: dev}}}}\n",
    )
    (shop.source / "api").mkdir()
    (shop.source / "api" / "api.yaml").write_text(WEB.replace("name: web", "name: api"))
    git(shop.source, "init", "--quiet", "--initial-branch=main")
    commit(shop.source)

    names = {
        cluster: shop.run("render", "-c", cluster, "-o", "name").out.split()
        for cluster in ("dev", "eu-1")
    }
    assert names["dev"] == [
        "namespace/shop",
        "deployment.apps/shop/web",
        "deployment.apps/shop/api",
    ]
    assert names["eu-1"] == ["namespace/shop", "deployment.apps/shop/web"]
    assert shop.run("render", "-c", "dev", "-n", "shop", "-o", "name").out.split() == [
        "deployment.apps/shop/api"
    ]
    ended = shop.render("-c", "dev")  # with --path: two sources, one working copy
    assert (ended.code, ended.out) == (2, "")
    assert "name the application" in ended.err


def git(folder: Path, *words: str) -> str:
    nobodys = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ("-c", "user.name=Li", "-c", "user.email=li@example.com")
    done = subprocess.run(
        ["git", *identity, *words],
        cwd=folder,
        env={**os.environ, **nobodys},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "Change")
    return git(folder, "rev-parse", "HEAD")


def test_a_source_is_fetched_and_a_working_copy_is_read_with_what_is_not_committed(shop):
    git(shop.source, "init", "--quiet", "--initial-branch=main")
    revision = commit(shop.source)
    shop.put(web=WEB.replace("replicas: 1", "replicas: 7"), new=NAMESPACE.replace("shop", "new"))

    fetched = shop.run("render", "web", "-c", "dev")
    copied = shop.render("web", "-c", "dev")
    explained = shop.run("render", "web", "-c", "dev", "--explain", "-o", "json")

    assert [each["metadata"]["name"] for each in objects(fetched.out)] == ["shop", "web"]
    assert [each["metadata"]["name"] for each in objects(copied.out)] == ["new", "shop", "web"]
    assert objects(copied.out)[2]["spec"]["replicas"] == 7
    assert json.loads(explained.out)["revision"] == revision


def test_a_second_render_at_the_same_time_waits_for_nobody(shop, tmp_path):
    from shoal.store.folder import locked, prepare_folder

    prepare_folder(tmp_path / "cache")
    with locked(tmp_path / "cache"):
        ended = shop.render("web", "-c", "dev", "-o", "name")

    assert ended.code == 0, ended
    assert "deployment.apps/shop/web" in ended.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("wbe", "-c", "dev"), 4, "did you mean default/web?"),
        (("web", "-n", "shop"), 4, "there is no application shop/web"),
        (("-n", "shop"), 4, "there is no application in namespace shop"),
        (("web", "-c", "eu-11"), 4, "there is no cluster eu-11; did you mean eu-1?"),
        (("web", "-c", "eu-1", "--kubernetes-version", "new"), 2, "no version of Kubernetes"),
        (("web", "-c", "eu-1", "--fleet", "nowhere"), 4, "there is no nowhere"),
        (("web", "-c", "eu-1", "--fleet", "../apps"), 3, "holds no fleet"),
    ],
)
def test_what_cannot_be_answered_is_said_with_what_was_meant(shop, words, code, told):
    ended = shop.render(*words)

    assert (ended.code, ended.out) == (code, "")
    assert told in ended.err


def test_an_application_elsewhere_says_where(shop):
    shop.override(selector="{matchLabels: {env: prod}}")

    ended = shop.render("web", "-c", "dev")

    assert (ended.code, ended.out) == (4, "")
    assert "placed on other clusters than dev" in ended.err
    assert "eu-1, us-1" in ended.err


def test_an_override_that_does_not_fit_names_override_object_and_cluster(shop):
    shop.put(secret=SECRET)
    shop.override(
        "clusterSelector: {matchLabels: {env: prod}}, "
        "patches: [{target: {kind: Secret}, operations: "
        "[{op: test, path: /stringData/token, value: canary-d}]}], "
        "merge: [{target: {kind: Deploymnt}, patch: {}}]"
    )

    ended = shop.render("web", "-c", "eu-1")

    assert (ended.code, ended.out) == (3, "")
    assert (
        "cluster eu-1: overrides[0].merge[0]: no object matches its target (kind Deploymnt), "
        "did you mean kind Deployment?; overrides[0].patches[0].operations[0]: Secret shop/key: "
        "test: another value stands at /stringData/token"
    ) in ended.err
    assert "canary" not in ended.err
    assert shop.render("web", "-c", "dev").code == 0


def test_broken_documents_of_others_are_warnings(shop):
    shop.write("bad.yaml", "kind: Application\nmetadata: {name: bad}\nspec: {}\n")

    ended = shop.render("web", "-c", "dev")

    assert ended.code == 0
    assert "warning: bad.yaml:" in ended.err


@pytest.mark.parametrize(
    ("file", "words", "told"),
    [
        ("bad.yaml", ("bad",), "Application default/bad cannot be used: bad.yaml:4: "),
        ("cluster-eu-1.yaml", ("web", "-c", "eu-1"), "Cluster eu-1 cannot be used: cluster-eu-1."),
    ],
)
def test_what_is_asked_for_and_broken_is_no_unknown_name(shop, file, words, told):
    kind, name = ("Application", "bad") if file == "bad.yaml" else ("Cluster", "eu-1")
    shop.write(file, f"kind: {kind}\nmetadata: {{name: {name}}}\nspec: {{}}\n")

    ended = shop.render(*words)

    assert (ended.code, ended.out) == (3, "")
    assert f"error: {told}" in ended.err


def test_errors_of_all_applications_are_told_and_none_is_printed(shop):
    for name in ("one", "two"):
        shop.write(
            f"{name}.yaml",
            f"kind: Application\nmetadata: {{name: {name}}}\n"
            "spec:\n  source: {git: {url: ../apps}, path: web}\n"
            "  placement: {clusterSelector: {}}\n"
            "  overrides: [{clusterSelector: {}, exclude: [{name: %s}]}]\n" % name,
        )
    git(shop.source, "init", "--quiet", "--initial-branch=main")
    commit(shop.source)

    ended = shop.run("render", "-c", "dev")

    assert (ended.code, ended.out) == (3, "")
    assert "no object matches (name one)" in ended.err
    assert "no object matches (name two)" in ended.err


def test_a_plugin_that_raises_is_named_and_leaves_stdout_to_data(shop, monkeypatch):
    def raises(*given: object) -> None:
        raise ValueError("boom")

    monkeypatch.setattr("shoal_plugins.git.source.GitSource.fetch", raises)

    ended = shop.run("render", "web", "-c", "dev")

    assert (ended.code, ended.out) == (3, "")
    assert "source git (shoal " in ended.err
    assert "ValueError" in ended.err


def test_a_missing_folder_is_an_error_with_its_neighbours(shop):
    shop.override()
    (shop.folder / "web.yaml").write_text(
        (shop.folder / "web.yaml").read_text().replace("path: web", "path: wbe")
    )

    ended = shop.render("web", "-c", "dev")

    assert ended.code == 3
    assert "has no folder wbe" in ended.err
    assert "did you mean web?" in ended.err
