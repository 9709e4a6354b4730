"""`shoal render` of a chart: values by cluster, facts of the document, and those of the words."""

from __future__ import annotations

import json

import pytest
import yaml

CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}", namespace: shop}
data:
  size: {{ .Values.size | quote }}
  zone: {{ .Values.zone | quote }}
  tier: {{ .Values.tier | quote }}
"""
CAPABLE = """\
  version: {{ .Capabilities.KubeVersion.Version | quote }}
  monitored: {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" | quote }}
"""
RENDER = "{helm: {valueFiles: [values-more.yaml], values: {zone: '${cluster.values.zone}'}}}"


@pytest.fixture
def chart(fleet):
    """The application as a chart, with a value file and a value that is a fact."""
    folder = fleet.source / "web"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "values.yaml").write_text("size: small\nzone: none\ntier: none\n")
    (folder / "values-more.yaml").write_text("tier: canary-file\n")
    (folder / "templates" / "map.yaml").write_text(TEMPLATE)
    fleet.override(
        "clusterSelector: {matchLabels: {env: prod}}, values: {size: large}", render=RENDER
    )
    return fleet


def data(ended) -> dict[str, str]:
    assert ended.code == 0, ended
    found: dict[str, str] = yaml.safe_load(ended.out)["data"]
    return found


def test_values_of_overrides_and_facts_of_the_document_make_the_render(chart):
    found = {cluster: data(chart.render("web", "-c", cluster)) for cluster in ("dev", "eu-1")}

    assert found == {
        "dev": {"size": "small", "zone": "dev-a", "tier": "canary-file"},
        "eu-1": {"size": "large", "zone": "eu-1-a", "tier": "canary-file"},
    }


def test_where_values_came_from_is_explained_and_what_they_are_is_not(chart):
    told = chart.render("web", "-c", "eu-1", "--explain")
    render = json.loads(chart.render("web", "-c", "eu-1", "--explain", "-o", "json").out)["render"]

    assert render["values"] == [
        {"from": "render", "sets": ["zone"]},
        {"from": "overrides[0].values", "sets": ["size"]},
    ]
    assert render["parameters"] == {"valueFiles": ["values-more.yaml"]}
    assert render["facts"] == {"values.zone": None}
    assert "web/values-more.yaml" in render["files"]
    assert "  values of overrides[0].values: size" in told.out.splitlines()
    assert '  parameters: {"valueFiles": ["values-more.yaml"]}' in told.out.splitlines()
    assert "  facts of the cluster that were looked at: values.zone" in told.out.splitlines()
    for secret in ("canary-file", "eu-1-a", "large"):
        assert secret not in told.out


def test_what_only_a_cluster_could_tell_is_taken_from_the_command_line(chart):
    template = chart.source / "web" / "templates" / "map.yaml"
    template.write_text(TEMPLATE + CAPABLE)

    plain = data(chart.render("web", "-c", "dev"))
    served = ("--api-version", "v1", "--api-version", "monitoring.coreos.com/v1")
    told = data(chart.render("web", "-c", "dev", "--kubernetes-version", "1.29", *served))
    words = ("--kubernetes-version", "v1.29.3", "--explain", "-o", "json")
    facts = json.loads(chart.render("web", "-c", "dev", *words).out)["render"]["facts"]

    assert plain["version"].startswith("v1.")
    assert plain["monitored"] == "false"
    assert (told["version"], told["monitored"]) == ("v1.29.0", "true")
    assert facts == {"apiVersions": None, "kubernetesVersion": "v1.29.3", "values.zone": None}


def test_a_parameter_that_needs_what_only_a_cluster_knows_asks_for_the_option(chart):
    chart.override(render="{helm: {values: {tier: '${cluster.kubernetesVersion}'}}}")

    ended = chart.render("web", "-c", "dev")

    assert (ended.code, ended.out) == (3, "")
    assert "kubernetesVersion of cluster dev is not known" in ended.err
    assert "give --kubernetes-version" in ended.err
    assert data(chart.render("web", "-c", "dev", "--kubernetes-version", "1.30.1"))["tier"] == (
        "v1.30.1"
    )


def test_values_that_refer_to_a_missing_fact_name_override_and_cluster(chart):
    chart.override(
        "clusterSelector: {}, values: {a: '${cluster.values.zoen}', b: '${cluster.labels.region}'}",
        render=RENDER,
    )

    ended = chart.render("web", "-c", "dev")

    assert (ended.code, ended.out) == (3, "")
    assert (
        "cluster dev: overrides[0].values: cluster dev has no label region, there is env, "
        "and cluster dev has no spec.values.zoen, did you mean zone?"
    ) in ended.err


def test_a_kustomization_is_rendered_too_and_takes_no_values(fleet):
    fleet.put(
        kustomization="resources: [map.yaml]\nnamePrefix: made-\n",
        map="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\n",
    )
    assert fleet.render("web", "-o", "name").out == "configmap/shop/made-web\n"

    fleet.override("clusterSelector: {}, values: {a: 1}")
    ended = fleet.render("web", "-c", "dev")

    assert ended.code == 3
    assert "the renderer kustomize takes none" in ended.err
