"""A worker renders one application after another, and none of them sees what another one did."""

from __future__ import annotations

import json

import pytest

from shoal.engine.folders import GuardedFolder
from shoal.errors import ShoalError
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts
from shoal_plugins.rendering.helm import HelmRenderer, HelmSpec
from shoal_plugins.rendering.kustomize import KustomizeRenderer, KustomizeSpec
from shoal_plugins.rendering.program import worker_program
from shoal_plugins.rendering.worker import Workers

FLEET = "apiVersion: example.com/v1\nkind: Fleet\nmetadata: {name: fleet}\n"
SHIPS = f"{FLEET}spec: {{ships: [{{name: first, crew: 1}}, {{name: second, crew: 2}}]}}\n"
PATCH = f"{FLEET}spec: {{ships: [{{name: second, crew: 3}}]}}\n"
MERGED_BY_NAME = {
    "type": "array",
    "items": {"type": "object"},
    "x-kubernetes-patch-merge-key": "name",
    "x-kubernetes-patch-strategy": "merge",
}
SCHEMA = {
    "definitions": {
        "v1.Fleet": {
            "type": "object",
            "properties": {"spec": {"type": "object", "properties": {"ships": MERGED_BY_NAME}}},
            "x-kubernetes-group-version-kind": [
                {"group": "example.com", "kind": "Fleet", "version": "v1"}
            ],
        }
    }
}


@pytest.fixture
def crews(host):
    """Builds a patched Fleet with a pool of workers; returns the crews of its ships."""

    async def built(workers, **fields):
        kustomization = {"resources": ["fleet.yaml"], "patches": [{"patch": PATCH}], **fields}
        files = {
            "kustomization.yaml": json.dumps(kustomization),
            "fleet.yaml": SHIPS,
            "schema.json": json.dumps(SCHEMA),
        }
        folder = GuardedFolder(MemoryTree(files), "")
        renderer = KustomizeRenderer(workers)
        (fleet,) = await renderer.render(KustomizeSpec(), folder, make_facts(), host)
        return [ship["crew"] for ship in fleet.body["spec"]["ships"]]

    return built


async def test_a_schema_does_not_reach_the_next_build(crews, workers):
    assert await crews(workers, openapi={"path": "schema.json"}) == [3, 1]
    assert await crews(workers) == [3]
    assert await crews(workers, openapi={"path": "schema.json"}) == [3, 1]


async def test_a_schema_of_a_build_that_failed_does_not_reach_the_next(crews, workers):
    with pytest.raises(ShoalError, match="does not exist"):
        await crews(workers, openapi={"path": "schema.json"}, resources=["fleet.yaml", "nope.yaml"])

    assert await crews(workers) == [3]


async def test_a_template_that_changes_its_values_changes_no_other_render(host):
    template = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
        "data: {was: {{ .Values.said | quote }}}\n"
        "{{ $_ := randInt 0 9 }}"
        '{{ $_ := set .Values "said" "changed" }}{{ $_ := set .Release "Name" "changed" }}'
    )
    chart = {
        "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        "values.yaml": "said: one",
    }
    folder = GuardedFolder(MemoryTree({**chart, "templates/a.yaml": template}), "")
    renderer = HelmRenderer(Workers(worker_program()))

    # It reaches a random function, so each time it is rendered twice, from the same values.
    made = [await renderer.render(HelmSpec(), folder, make_facts(), host) for _ in range(2)]

    assert [manifest.body["data"]["was"] for (manifest,) in made] == ["one", "one"]
