"""`tree --pods`: what controllers of a cluster made, asked then and only then."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.harness import EngineUnderTest, deployment, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine import descending
from shoal.engine.views.applications import TargetPhase, TreePod
from shoal.errors import InvalidQuery
from shoal.model.descents import Descent, Pod
from shoal.model.health import Health, HealthState
from shoal.model.identity import Ref

SHOP, WEB = Ref("default", "shop"), key_of("web", "Deployment")
THROUGH = "ReplicaSet web-6c9f"


def everywhere(cluster: str) -> bool:
    return True


def pod(name: str, reason: str = "") -> Pod:
    state = HealthState.DEGRADED if reason else HealthState.HEALTHY
    return Pod(WEB, name, THROUGH, Health(state, reason))


def make(folder: Path, *names: str) -> EngineUnderTest:
    engine = make_engine(folder, *names)
    engine.source.commit(shop__web=deployment())
    for name in names:
        engine.clusters[name].descent = Descent((pod(f"web-{name}"),))
    return engine


@in_virtual_time
async def test_they_are_below_their_workload_the_worst_first(tmp_path: Path) -> None:
    engine = make(tmp_path, "one", "two")
    engine.clusters["two"].descent = Descent((pod("web-a"), pod("web-b", "ImagePullBackOff")))
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        tree = await engine.controller.tree(SHOP, everywhere, with_pods=True)
        alone = await engine.controller.tree(SHOP, lambda name: name == "one", with_pods=True)
        without = await engine.controller.tree(SHOP, everywhere)

    (web,) = tree.objects
    assert web.pods == [
        TreePod("two", "web-b", THROUGH, "Degraded", "ImagePullBackOff"),
        TreePod("one", "web-one", THROUGH, "Healthy", ""),
        TreePod("two", "web-a", THROUGH, "Healthy", ""),
    ]
    assert [each.name for each in alone.objects[0].pods] == ["web-one"]
    assert (without.objects[0].pods, tree.gaps) == ((), [])


@in_virtual_time
async def test_what_cannot_be_looked_at_is_said_and_the_rest_is_told(tmp_path: Path) -> None:
    engine = make(tmp_path, "one", "two")
    engine.clusters["one"].descent = Descent((), ("pods may not be listed in default",))
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        engine.clusters["two"].unreachable = True
        await engine.until_away("two")
        tree = await engine.controller.tree(SHOP, everywhere, with_pods=True)

    assert tree.gaps[0] == "one: pods may not be listed in default"
    assert tree.gaps[1].startswith("two: ")
    assert [each.object for each in tree.objects] == ["default/web"]


@in_virtual_time
async def test_more_clusters_than_a_person_reads_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descending, "MOST_CLUSTERS", 1)
    engine = make(tmp_path, "one", "two")
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        with pytest.raises(InvalidQuery, match="the Pods of 2 clusters are more than"):
            await engine.controller.tree(SHOP, everywhere, with_pods=True)
