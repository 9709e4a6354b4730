"""What Shoal renders equals what `helm template`, `kustomize build` and kubectl make of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.rendering.cases import load, names
from tests.rendering.comparing import differences
from tests.rendering.originals.programs import FOLDER, HELM, KUSTOMIZE

from shoal.engine.folders import GuardedFolder
from shoal.hooks.renderers import Renderer
from shoal.model.manifests import Manifest
from shoal.testing.facts import make_facts
from shoal_plugins.rendering import HelmRenderer, KustomizeRenderer, PlainRenderer
from shoal_plugins.rendering.program import worker_program, worker_sources
from shoal_plugins.rendering.worker import Workers

RENDERERS: Mapping[str, Callable[[Workers], Renderer[Any]]] = {
    each.name: each for each in (HelmRenderer, KustomizeRenderer, PlainRenderer)
}


@pytest.fixture
def render(host, workers):
    """What Shoal's renderer says of a case."""

    async def rendered(case):
        renderer = RENDERERS[case.renderer](workers)
        parameters = renderer.spec.model_validate(case.parameters)
        folder = GuardedFolder(case.tree(), case.folder)
        return await renderer.render(parameters, folder, make_facts(told=case.facts), host)

    return rendered


@pytest.mark.parametrize("name", names())
async def test_the_output_is_that_of_the_original(
    render, originals, tmp_path: Path, name: str
) -> None:
    case = load(name)

    shoal = await render(case)

    found = differences(await originals.render(case, tmp_path), shoal)
    assert not found, "\n".join(found)
    assert bool(shoal) == (case.gives == "objects")


async def test_a_value_that_differs_is_told_with_its_object_and_path(
    render, originals, tmp_path: Path
) -> None:
    case = load("helm/web-application")
    changed = case.changed("values-production.yaml", "cpu: 500m", "cpu: 501m")

    found = differences(await originals.render(changed, tmp_path), await render(case))

    assert found == [
        "Deployment.apps storefront/shop-web-application: spec.template.spec.containers[0]."
        "resources.limits.cpu is '501m' in the original, '500m' in Shoal"
    ]


def named(name: str, **data: object) -> Manifest:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    return Manifest(body, "a.yaml:1")


@pytest.mark.parametrize(
    ("original", "shoal", "told"),
    [
        ([], [named("a")], "object 1, ConfigMap a, is only in the output of Shoal"),
        ([named("a")], [], "object 1, ConfigMap a, is only in the output of the original"),
        ([named("b")], [named("a")], "object 1 is ConfigMap b in the original, ConfigMap a in"),
        ([named("a", x=1)], [named("a")], "ConfigMap a: data.x is only in the original"),
        ([named("a", x=1)], [named("a", x=True)], "data.x is 1 in the original, True in Shoal"),
        ([named("a", x="1")], [named("a", x=1)], "data.x is '1' in the original, 1 in Shoal"),
        ([named("a", x=[1, 2])], [named("a", x=[1, 3])], "data.x[1] is 2 in the original, 3 in"),
        ([named("a", x=[1])], [named("a", x=[1, 2])], "data.x is [1] in the original, [1, 2] in"),
    ],
)
def test_every_sort_of_difference_is_told(original, shoal, told) -> None:
    (found,) = differences(original, shoal)

    assert told in found


def version_in(module: Path, of: str) -> str:
    found = re.search(rf"^\s*{re.escape(of)} v(\S+)", (module / "go.mod").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def test_originals_and_worker_are_made_of_the_same_libraries() -> None:
    worker = worker_sources()
    recipe = worker_program().recipe

    assert version_in(worker, "helm.sh/helm/v4") == HELM.version
    assert version_in(FOLDER / "helm", "helm.sh/helm/v4") == HELM.version
    assert version_in(FOLDER / "kustomize", "sigs.k8s.io/kustomize/kustomize/v5") == (
        KUSTOMIZE.version
    )
    library = "sigs.k8s.io/kustomize/api"
    assert version_in(worker, library) == version_in(FOLDER / "kustomize", library)
    assert recipe is not None
    assert f"kustomize/v{KUSTOMIZE.version}" in recipe.ldflags
    assert version_in(worker, "sigs.k8s.io/yaml") == version_in(FOLDER / "yaml", "sigs.k8s.io/yaml")
