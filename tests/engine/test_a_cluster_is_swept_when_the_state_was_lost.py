"""What is ours is found by its marks when no row says it; what Git does not have is only shown."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.fakes import MemoryStore
from tests.engine.harness import (
    EngineUnderTest,
    after_it_lost_its_database,
    config_map,
    config_maps,
    data_in,
    key_of,
    make_engine,
)
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.errors import ForbiddenByCluster
from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.plans import OwnedState
from shoal.model.records import Deed
from shoal.testing.fake_cluster import SERVED

LAST = sorted(SERVED)[-1]
SERVICE = GroupKind("", "Service")


def names_in(engine: EngineUnderTest, cluster: str = "dev") -> list[str]:
    return sorted(key.name for key in engine.clusters[cluster].objects)


def versions_in(engine: EngineUnderTest) -> dict[ObjectKey, tuple[str, int]]:
    objects = engine.clusters["dev"].objects
    return {key: (live.uid, live.version) for key, live in objects.items()}


async def synced(engine: EngineUnderTest, revision: str) -> None:
    async with engine.running():
        await engine.until_synced(revision)


@in_virtual_time
async def test_what_git_has_is_applied_once_and_does_not_change(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    await synced(engine, engine.source.commit(**config_maps(3)))
    before = versions_in(engine)
    engine.clusters["dev"].writes.clear()
    again = after_it_lost_its_database(engine)

    async with again.running():
        await again.until_synced("1")
        await again.until_recorded(Deed.CLUSTER_RECOVERED)
        await anyio.sleep(60)
        rows = again.state.inventory("dev")
        holds, view = again.controller.holds(), again.cluster("dev")

    assert versions_in(again) == before
    assert sorted(key.name for _, key in again.clusters["dev"].writes) == ["m0", "m1", "m2"]
    assert {row.state for row in rows.values()} == {OwnedState.CONFIRMED}
    assert (holds, view.message) == ([], "")


@in_virtual_time
async def test_what_git_does_not_have_is_orphaned_and_kept_until_a_person_approves(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "dev", "prod")
    await synced(engine, engine.source.commit(**config_maps(3)))
    engine.source.commit(**config_maps(1))
    again = after_it_lost_its_database(engine)

    async with again.running():
        holds = await again.until_held("Orphaned")
        await anyio.sleep(120)
        view, before = again.target("dev"), (names_in(again), names_in(again, "prod"))
        (group,) = {each.group for each in holds}
        await again.controller.approve(group, who="Ana", reason="they were removed in May")
        await again.until_synced("2")
        await again.until(lambda: not again.controller.holds(), "no hold")

    assert holds[0].reason == (
        "2 objects in cluster dev carry the marks of application default/shop, and Git does not "
        "have them (ConfigMap default/m1, ConfigMap default/m2); Shoal cannot tell whether it was "
        "told to delete them, because its record of this cluster was lost or is older than the "
        "cluster; without approval they are kept"
    )
    assert (view.phase, view.message) == (TargetPhase.HELD, holds[0].reason)
    assert view.next_step == f"shoal approve {holds[0].id} --reason …"
    assert before == (["m0", "m1", "m2"], ["m0", "m1", "m2"])
    assert (names_in(again), names_in(again, "prod")) == (["m0"], ["m0"])


@in_virtual_time
async def test_an_orphan_that_a_person_approved_goes_though_the_render_shrank(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "dev")
    await synced(engine, engine.source.commit(**config_maps(9)))
    engine.source.commit(**config_maps(8))
    again = after_it_lost_its_database(engine)

    async with again.running():
        (orphaned,) = await again.until_held("Orphaned")
        await again.until_recorded(Deed.TARGET_SYNCED)
        again.source.commit(**config_maps(3))
        (shrunk,) = await again.until_held("ShrunkRender")
        await again.controller.approve(orphaned.id, who="Ana", reason="m8 was removed in May")
        await again.until(lambda: "m8" not in names_in(again), "the orphan is gone")
        await anyio.sleep(120)
        holds = again.controller.holds()

    assert "renders to 3 objects, less than half of the 8" in shrunk.reason
    assert [each.id for each in holds] == [shrunk.id]
    assert names_in(again) == [f"m{number}" for number in range(8)]


@in_virtual_time
async def test_objects_of_applications_that_are_no_more_are_orphaned_too(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.declare_application("gone")
    revision = engine.source.commit(shop__m0=config_map("m0"), gone__m1=config_map("m1"))
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        await engine.until_phase(TargetPhase.SYNCED, application="gone")
    del engine.documents.files["Application-gone.yaml"]
    again = after_it_lost_its_database(engine)

    async with again.running():
        await again.until_synced(revision)
        (hold,) = await again.until_held("Orphaned")
        await anyio.sleep(120)
        view, before = again.target("dev", "gone"), names_in(again)
        await again.controller.approve(hold.id, who="Ana", reason="it is no more")
        await again.until(lambda: names_in(again) == ["m0"], "only m0 is left")
        await again.until(lambda: len(again.controller.targets()) == 1, "one target")

    assert hold.subject == "default/gone@dev"
    assert (view.phase, view.message) == (TargetPhase.REMOVING, hold.reason)
    assert before == ["m0", "m1"]


@in_virtual_time
async def test_nothing_is_deleted_before_every_kind_was_swept(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    dev.listing = anyio.Event()
    engine.source.commit(**config_maps(5))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(4, color="green"))
        await engine.until(lambda: data_in(dev, "m0") == {"color": "green"}, "m0 is green")
        await anyio.sleep(120)
        view, during = engine.cluster("dev"), names_in(engine)
        dev.listing.set()
        await engine.until_synced("2")

    kinds = len(SERVED)
    assert [each.reason for each in view.warnings] == ["Recovering"]
    assert view.message == (
        "Recovering, because Shoal has no record of what it has there: swept "
        f"{kinds - 1} of {kinds} kinds, 0 objects of ours so far; nothing is deleted until all are "
        "swept"
    )
    assert during == ["m0", "m1", "m2", "m3", "m4"]
    assert names_in(engine) == ["m0", "m1", "m2", "m3"]


@in_virtual_time
async def test_a_set_that_shrinks_during_the_sweep_waits_as_a_whole(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    dev.listing = anyio.Event()
    engine.source.commit(**config_maps(8, color="blue"))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(3, color="green"))
        await engine.until(lambda: engine.application().revision == "2", "it is wanted")
        await anyio.sleep(120)
        during = data_in(dev, "m0")
        dev.listing.set()
        (hold,) = await engine.until_held("ShrunkRender")
        await anyio.sleep(120)

    assert "renders to 3 objects, less than half of the 8" in hold.reason
    assert during == data_in(dev, "m0") == {"color": "blue"}
    assert len(dev.objects) == 8


@in_virtual_time
async def test_a_sweep_that_is_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    dev.listing = anyio.Event()
    engine.source.commit(**config_maps(1))

    async with engine.running():
        await engine.until(lambda: len(dev.listed) == len(SERVED) - 1, "all but one are listed")
        dev.unreachable = True
        await engine.until_recorded(Deed.CLUSTER_LOST)
        dev.unreachable, dev.listing = False, None
        await engine.until_recorded(Deed.CLUSTER_RECOVERED)

    assert sorted(dev.listed) == sorted(SERVED)
    assert len(engine.store.recorded(Deed.CLUSTER_RECOVERING)) == 1


@in_virtual_time
async def test_a_cluster_is_swept_once_and_not_at_the_next_start(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    await synced(engine, engine.source.commit(**config_maps(1)))
    listed = len(engine.clusters["dev"].listed)
    again = after_it_lost_its_database(engine)
    again.store = MemoryStore(engine.store.disk)

    async with again.running():
        await again.until_synced("1")
        await anyio.sleep(60)

    assert len(again.clusters["dev"].listed) == listed
    assert len(again.store.recorded(Deed.CLUSTER_RECOVERING)) == 1


@in_virtual_time
async def test_another_cluster_of_the_same_name_is_swept_as_well(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    engine.source.commit(**config_maps(1))

    async with engine.running():
        await engine.until_synced("1")
        dev.listed.clear()
        dev.uid = "uid-of-another"
        (hold,) = await engine.until(engine.controller.holds, "a hold")
        await engine.controller.approve(hold.id, who="Ana", reason="rebuilt")
        await engine.until_recorded(Deed.CLUSTER_RECOVERED, count=2)

    assert sorted(dev.listed) == sorted(SERVED)


@in_virtual_time
async def test_a_sweep_that_was_cut_off_does_not_go_on_in_another_cluster(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    dev.listing = anyio.Event()
    engine.source.commit(**config_maps(1))

    async with engine.running():
        await engine.until(lambda: len(dev.listed) == len(SERVED) - 1, "all but one are listed")
        dev.uid, dev.listing = "uid-of-another", None
        (hold,) = await engine.until(engine.controller.holds, "a hold")
        dev.listed.clear()
        await engine.controller.approve(hold.id, who="Ana", reason="rebuilt")
        await engine.until_recorded(Deed.CLUSTER_RECOVERED)

    assert sorted(dev.listed) == sorted(SERVED)


@in_virtual_time
async def test_an_object_of_ours_that_no_row_knows_tells_of_the_loss(tmp_path: Path) -> None:
    """As after a restore of the cluster: what was pruned is there again."""
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    engine.source.commit(**config_maps(5))

    async with engine.running():
        await engine.until_synced("1")
        back = dev.objects[key_of("m4")]
        engine.source.commit(**config_maps(4))
        await engine.until_synced("2")
        pruned = names_in(engine)
        dev.objects[key_of("m4")] = back
        (hold,) = await engine.until_held("Orphaned")
        (_, begun) = engine.store.recorded(Deed.CLUSTER_RECOVERING)
        await anyio.sleep(120)

    assert pruned == ["m0", "m1", "m2", "m3"]
    assert "ConfigMap default/m4" in hold.reason
    assert begun.why == "objects with the marks of this fleet were seen of which there is no record"
    assert names_in(engine) == ["m0", "m1", "m2", "m3", "m4"]
    assert len(engine.store.recorded(Deed.CLUSTER_RECOVERING)) == 2


@in_virtual_time
async def test_what_a_sweep_cannot_explain_is_no_cause_for_another_one(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    dev.unknown_objects = 3
    engine.source.commit(**config_maps(1))

    async with engine.running():
        await engine.until_synced("1")
        await anyio.sleep(300)
        before = len(engine.store.recorded(Deed.CLUSTER_RECOVERING))
        dev.unknown_objects = 4
        await engine.until_recorded(Deed.CLUSTER_RECOVERING, count=2)
        await anyio.sleep(300)

    assert before == 1
    assert len(engine.store.recorded(Deed.CLUSTER_RECOVERING)) == 2


@in_virtual_time
async def test_a_cluster_that_went_back_in_time_is_swept(tmp_path: Path) -> None:
    """What was pruned may be there again, of a kind that nobody watches any more."""
    engine = make_engine(tmp_path, "dev")
    dev = engine.clusters["dev"]
    engine.source.commit(**config_maps(1))

    async with engine.running():
        await engine.until_synced("1")
        dev.rewinds = 1
        _, begun = await engine.until_recorded(Deed.CLUSTER_RECOVERING, count=2)
        await engine.until_recorded(Deed.CLUSTER_RECOVERED, count=2)
        await anyio.sleep(60)

    assert begun.why == "it went back to an earlier time, as after a restore of its etcd"
    assert len(dev.listed) == 2 * len(SERVED)


@in_virtual_time
async def test_an_orphan_that_somebody_deletes_is_none_any_more(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    await synced(engine, engine.source.commit(**config_maps(2)))
    engine.source.commit(**config_maps(1))
    again = after_it_lost_its_database(engine)

    async with again.running():
        await again.until_held("Orphaned")
        await again.clusters["dev"].remove(key_of("m1"))
        await again.until_synced("2")
        holds = again.controller.holds()

    assert holds == []
    assert list(again.state.inventory("dev")) == [key_of("m0")]


@in_virtual_time
async def test_an_orphan_that_comes_back_to_git_is_kept_as_it_is(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    await synced(engine, engine.source.commit(**config_maps(2)))
    engine.source.commit(**config_maps(1))
    before = versions_in(engine)
    again = after_it_lost_its_database(engine)

    async with again.running():
        await again.until_held("Orphaned")
        await again.until_synced(again.source.commit(**config_maps(2)))
        holds = again.controller.holds()

    assert holds == []
    assert versions_in(again) == before


@in_virtual_time
async def test_a_kind_that_may_not_be_listed_is_named_and_stops_nothing_else(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "dev")
    error = ForbiddenByCluster("services may not be listed", next_step="grant list on services")
    dev = engine.clusters["dev"]
    dev.unlistable[SERVICE] = error
    engine.source.commit(**config_maps(5))

    async with engine.running():
        await engine.until_synced("1")
        engine.source.commit(**config_maps(4))
        await engine.until_synced("2")
        view = engine.cluster("dev")
        dev.unlistable.clear()
        dev.unreachable = True
        await engine.until_recorded(Deed.CLUSTER_LOST)
        dev.unreachable = False
        await engine.until_recorded(Deed.CLUSTER_RECOVERED)
        after = engine.cluster("dev")

    assert names_in(engine) == ["m0", "m1", "m2", "m3"]
    assert [each.reason for each in view.warnings] == ["Limited"]
    assert view.message == (
        "what is ours is not known of 1 kind (Service), and more may be there: services may not be "
        "listed"
    )
    assert after.message == ""
