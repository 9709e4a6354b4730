"""`tree`: each object of an application once, how it does everywhere, the worst first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.harness import config_map, deployment, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time, now

from shoal.engine.views.applications import TargetPhase, TreeObject, TreeView
from shoal.errors import UnknownName
from shoal.model.health import Health, HealthState
from shoal.model.identity import Ref

SHOP = Ref("default", "shop")


def everywhere(cluster: str) -> bool:
    return True


def named(tree: TreeView, name: str) -> TreeObject:
    return next(each for each in tree.objects if each.object == f"default/{name}")


@in_virtual_time
async def test_an_object_is_told_once_with_how_it_does_on_each_cluster(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two", "three")
    engine.source.commit(shop__web=deployment(), shop__a=config_map())
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        ill = Health(HealthState.DEGRADED, "container web: ImagePullBackOff")
        engine.clusters["two"].set_health(key_of("web", "Deployment"), ill)
        await engine.until(lambda: engine.target("two").health == "Degraded", "ill")
        tree = await engine.controller.tree(SHOP, everywhere)
        alone = await engine.controller.tree(SHOP, lambda name: name == "one")

    assert (tree.clusters, tree.health) == (3, "Degraded")
    assert [each.object for each in tree.objects] == ["default/web", "default/settings"]
    web = tree.objects[0]
    assert (web.clusters, web.healths) == (3, {"Degraded": 1, "Healthy": 2})
    (place,) = web.unwell
    assert (place.cluster, place.health, place.message) == ("two", "Degraded", ill.reason)
    assert (alone.clusters, alone.health, alone.objects[0].unwell) == (1, "Healthy", [])


@in_virtual_time
async def test_what_was_deleted_by_hand_says_so(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("shop", sync={"whenDrifted": "Report"})
    engine.source.commit(shop__a=config_map("a"), shop__b=config_map("b"))
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        await engine.clusters["one"].remove(key_of("b"))
        await engine.until(lambda: engine.target("one").drifted, "drift")
        tree = await engine.controller.tree(SHOP, everywhere)

    assert named(tree, "b").phase is TargetPhase.DRIFTED
    assert named(tree, "b").unwell[0].message == "it was deleted"


@in_virtual_time
async def test_a_cluster_that_is_silent_is_unknown_and_named(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    engine.source.commit(shop__a=config_map())
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        engine.clusters["two"].unreachable = True
        await engine.until_away("two")
        tree = await engine.controller.tree(SHOP, everywhere)

    assert tree.silent == ["two"]
    (one,) = tree.objects
    assert (one.phases, one.phase) == ({"Synced": 1, "Unknown": 1}, TargetPhase.UNKNOWN)
    assert one.unwell[0].message == "the cluster does not answer"


@in_virtual_time
async def test_what_git_wants_no_more_is_on_its_way_out(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.source.commit(shop__a=config_map("a"), shop__b=config_map("b"))
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        until = now() + timedelta(hours=1)
        await engine.controller.suspend(SHOP, who="ana", reason="look", until=until)
        engine.source.commit(shop__a=config_map("a"), shop__c=config_map("c"))
        await engine.until(lambda: engine.application().revision == "2", "decided")
        tree = await engine.controller.tree(SHOP, everywhere)

    assert tree.objects[0].object == "default/b"
    assert named(tree, "b").phase is TargetPhase.REMOVING
    assert named(tree, "c").phase is TargetPhase.PENDING


@in_virtual_time
async def test_an_application_that_is_not_there_has_no_tree(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.source.commit(shop__a=config_map())
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        with pytest.raises(UnknownName, match="shop2"):
            await engine.controller.tree(Ref("default", "shop2"), everywhere)
