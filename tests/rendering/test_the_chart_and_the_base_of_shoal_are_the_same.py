"""What deploys Shoal: its chart and its kustomize base, by our renderers and by the originals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.deploy.manifests import BASE, CHART
from tests.rendering.cases import Case
from tests.rendering.comparing import differences

from shoal.engine.folders import GuardedFolder
from shoal.errors import ShoalError
from shoal.model.facts import API_VERSIONS, KUBERNETES_VERSION
from shoal.model.identity import ObjectKey
from shoal.model.manifests import Manifest
from shoal.testing.facts import make_facts
from shoal_plugins.rendering import HelmRenderer, KustomizeRenderer

RENDERERS = {"helm": HelmRenderer, "kustomize": KustomizeRenderer}


def case(renderer: str, folder: Path, **parameters: Any) -> Case:
    files = {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    facts = {KUBERNETES_VERSION: "v1.34.0", API_VERSIONS: ["v1", "apps/v1"]}
    return Case(renderer, folder.name, "it", files, parameters=parameters, facts=facts)


OVERLAY = case("kustomize", BASE)
DEFAULTS = case("helm", CHART, releaseName="shoal", namespace="shoal")
OTHERWISE = case(
    "helm",
    CHART,
    releaseName="east",
    namespace="delivery",
    values={
        "image": {"digest": f"sha256:{'0' * 64}", "pullSecrets": ["registry"]},
        "configuration": {"allowExec": ["aws"]},
        "kubeconfigs": ["members"],
        "env": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://otel:4318"}],
        "storage": {"className": "fast", "accessMode": "ReadWriteOncePod"},
        "networkPolicy": {"enabled": False},
        "serviceAccount": {"annotations": {"example.org/role": "reader"}},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "ops", "operator": "Exists"}],
    },
)


@pytest.fixture
def render(host, workers):
    """What Shoal's renderer says of a case."""

    async def rendered(case: Case) -> Sequence[Manifest]:
        renderer = RENDERERS[case.renderer](workers)
        parameters = renderer.spec.model_validate(case.parameters)
        folder = GuardedFolder(case.tree(), case.folder)
        return await renderer.render(parameters, folder, make_facts(told=case.facts), host)

    return rendered


def by_identity(manifests: Sequence[Manifest]) -> Mapping[ObjectKey, Mapping[str, Any]]:
    """Bodies by their keys, with the configuration as what it says."""
    bodies = {each.key: dict(each.body) for each in manifests}
    for key, body in bodies.items():
        if key.kind == "ConfigMap":
            body["data"] = {name: yaml.safe_load(text) for name, text in body["data"].items()}
    return bodies


@pytest.mark.parametrize("each", [OVERLAY, DEFAULTS, OTHERWISE], ids=["base", "chart", "values"])
async def test_our_renderer_makes_of_it_what_the_original_makes(
    render, originals, tmp_path: Path, each: Case
) -> None:
    assert not differences(await originals.render(each, tmp_path), await render(each))


async def test_the_chart_with_its_own_values_gives_the_objects_of_the_base(render) -> None:
    overlay, chart = by_identity(await render(OVERLAY)), by_identity(await render(DEFAULTS))
    (made,) = overlay.keys() - chart.keys()

    assert (made.kind, made.name) == ("Namespace", "shoal")  # helm makes it, when asked to
    assert chart == {key: body for key, body in overlay.items() if key != made}


async def test_every_value_reaches_the_objects(render) -> None:
    bodies = by_identity(await render(OTHERWISE))
    kinds = {key.kind: body for key, body in bodies.items()}
    pod = kinds["StatefulSet"]["spec"]["template"]["spec"]
    (claim,) = kinds["StatefulSet"]["spec"]["volumeClaimTemplates"]

    assert {key.name for key in bodies} == {"east", "east-identity"}
    assert "NetworkPolicy" not in kinds
    assert pod["containers"][0]["image"].endswith(f"shoal@sha256:{'0' * 64}")
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["containers"][0]["env"][0]["value"] == "http://otel:4318"
    assert {each["name"] for each in pod["volumes"]} >= {"kubeconfig-members"}
    assert (pod["nodeSelector"], len(pod["tolerations"])) == ({"disk": "ssd"}, 1)
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    assert kinds["ConfigMap"]["data"]["config.yaml"]["allowExec"] == ["aws"]
    assert kinds["ServiceAccount"]["metadata"]["annotations"] == {"example.org/role": "reader"}


@pytest.mark.parametrize(
    "values",
    [
        {"image": {"digest": "latest"}},
        {"configuration": {"state": "/var/lib/shoal"}},
        {"configuration": {"webhookListen": "0.0.0.0:80"}},
        {"secrets": [{"name": "git", "items": [{"key": "token", "path": "../token"}]}]},
        {"storage": {"accessMode": "ReadWriteMany"}},
        {"replicas": 2},
    ],
)
async def test_values_that_cannot_work_are_refused_by_the_schema(render, values: Any) -> None:
    wrong = case("helm", CHART, releaseName="shoal", namespace="shoal", values=values)

    with pytest.raises(ShoalError, match=next(iter(values))):
        await render(wrong)
