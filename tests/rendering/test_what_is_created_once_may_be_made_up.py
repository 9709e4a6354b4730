"""A chart may make up what is created only once: it differs each time, and that is no change."""

from __future__ import annotations

import pytest

from shoal.engine.folders import GuardedFolder
from shoal.errors import ShoalError
from shoal.model.digests import Digester
from shoal.model.trees import MemoryTree
from shoal.planning.overriding import content
from shoal.testing.facts import make_facts
from shoal_plugins.rendering.helm import HelmRenderer, HelmSpec

CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
ONCE = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: NAME\n"
    "  annotations: {shoal.dev/apply: IfNotPresent}\n"
    "stringData: {password: {{ randAlphaNum 16 | quote }}}\n"
)
ORDINARY = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: VALUE}\n"
DIGESTER = Digester(b"key")


@pytest.fixture
def render(host, workers):
    """Renders a chart of this template."""

    async def rendered(template):
        tree = MemoryTree({"apps/Chart.yaml": CHART, "apps/templates/a.yaml": template})
        folder = GuardedFolder(tree, "apps")
        told = {"kubernetesVersion": "v1.37.2", "apiVersions": ["v1"]}
        return await HelmRenderer(workers).render(
            HelmSpec.model_validate({}), folder, make_facts(told=told), host
        )

    return rendered


async def test_an_object_that_is_created_once_may_differ_each_time(render) -> None:
    template = ONCE.replace("NAME", "login") + ORDINARY.replace("VALUE", "b")
    one, two = await render(template), await render(template)
    first, second = content(one, DIGESTER), content(two, DIGESTER)

    assert [each.text for each in one] != [each.text for each in two]
    assert first.digest == second.digest


async def test_a_change_of_an_ordinary_object_beside_it_is_a_change(render) -> None:
    template = ONCE.replace("NAME", "login") + ORDINARY
    one = content(await render(template.replace("VALUE", "b")), DIGESTER)
    two = content(await render(template.replace("VALUE", "c")), DIGESTER)

    assert one.digest != two.digest


async def test_an_object_whose_name_is_made_up_is_refused_all_the_same(render) -> None:
    template = ONCE.replace("NAME", "{{ randAlpha 8 | lower }}")
    with pytest.raises(ShoalError, match="is different each time"):
        await render(template)


async def test_an_ordinary_object_beside_it_is_refused_with_what_would_help(render) -> None:
    template = ONCE.replace("NAME", "login") + ORDINARY.replace("VALUE", "{{ randAlpha 8 }}")
    with pytest.raises(ShoalError, match=r"ConfigMap/a is different.*") as refused:
        await render(template)

    assert "shoal.dev/apply: IfNotPresent" in refused.value.next_step
