"""`where`: which targets have a revision or want an image, which not yet, and how long it took."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.engine.harness import EngineUnderTest, config_map, deployment, make_engine
from tests.engine.virtual_time import in_virtual_time, now

from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.whereabouts import WhereView
from shoal.errors import InvalidQuery, InvalidSource, UnknownName
from shoal.model.artifacts import Ancestor, Provenance
from shoal.planning.arriving import Presence


def running(image: str) -> dict[str, Any]:
    containers = [{"name": "web", "image": image}]
    return {**deployment(), "spec": {"template": {"spec": {"containers": containers}}}}


def on(found: WhereView) -> dict[str, Presence]:
    return {each.cluster: each.presence for each in found.targets}


def make(folder: Path, **manifests: Any) -> tuple[EngineUnderTest, str]:
    engine = make_engine(folder, "one", "two")
    return engine, engine.source.commit(**manifests)


@in_virtual_time
async def test_a_revision_is_where_it_was_synced_and_it_is_said_how_long_that_took(
    tmp_path: Path,
) -> None:
    engine, revision = make(tmp_path, shop__a=config_map(v="1"))
    committed = now() - timedelta(seconds=30)
    engine.source.provenance = Provenance(author="Ana", subject="first", committed_at=committed)
    async with engine.running():
        await engine.until_synced(revision)
        found = await engine.controller.whereabouts(revision)

    assert (found.sort, found.name, found.author, found.subject) == (
        "revision",
        revision,
        "Ana",
        "first",
    )
    assert on(found) == {"one": Presence.HERE, "two": Presence.HERE}
    assert (found.here, found.committed_at) == (2, committed)
    assert found.times.first is not None
    assert 30 <= found.times.first <= (found.times.p95 or 0) <= (found.times.last or 0) < 60
    assert all(each.arrived_at for each in found.targets)


@in_virtual_time
async def test_what_a_cluster_waits_for_is_said_and_it_counts_as_not_there(tmp_path: Path) -> None:
    engine, _ = make(tmp_path, shop__a=config_map(v="1"))
    engine.access.broken.add("two")
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED, "one")
        await engine.until_phase(TargetPhase.UNKNOWN, "two")
        found = await engine.controller.whereabouts("1")

    missing = next(each for each in found.targets if each.cluster == "two")
    assert (missing.presence, missing.phase) == (Presence.NOT_YET, TargetPhase.UNKNOWN)
    assert missing.message
    assert (found.here, found.silent) == (1, ["two"])
    assert (found.times.p50 is None, found.times.p95, found.times.last) == (False, None, None)


@in_virtual_time
async def test_a_later_revision_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    engine, first = make(tmp_path, shop__a=config_map(v="1"))
    async with engine.running():
        await engine.until_synced(first)
        second = engine.source.commit(shop__a=config_map(v="2"))
        await engine.until_synced(second)
        found = await engine.controller.whereabouts(first)

    assert Counter(on(found).values()) == {Presence.SUPERSEDED: 2}
    assert found.here == 2
    assert found.times.last is not None


@in_virtual_time
async def test_an_application_that_renders_alike_is_not_touched(tmp_path: Path) -> None:
    engine, first = make(tmp_path, shop__a=config_map(v="1"), api__b=config_map("b", v="1"))
    engine.declare_application("api")
    async with engine.running():
        await engine.until_synced(first)
        both = {"shop__a": config_map(v="1"), "api__b": config_map("b", v="2")}
        second = engine.source.commit(**both)
        await engine.until(lambda: engine.application("shop").revision == second, "decided")
        await engine.until(lambda: engine.target("two", "api").revision == second, "synced")
        await engine.until(lambda: engine.target("one", "api").revision == second, "synced")
        found = await engine.controller.whereabouts(second)
        after_all = await engine.controller.whereabouts(first)

    assert found.untouched == ["default/shop"]
    assert {each.application for each in found.targets} == {"api"}
    assert (found.here, after_all.here, after_all.untouched) == (2, 4, [])


@in_virtual_time
async def test_a_target_for_which_nothing_changes_has_it_as_soon_as_that_is_decided(
    tmp_path: Path,
) -> None:
    engine, first = make(tmp_path, shop__a=config_map(v="1"))
    engine.declare_cluster("one", size="big")
    operations = [{"op": "replace", "path": "/data/v", "value": "9"}]
    override = {
        "clusterSelector": {"matchLabels": {"size": "big"}},
        "patches": [{"target": {"kind": "ConfigMap"}, "operations": operations}],
    }
    engine.declare_application("shop", overrides=[override])
    async with engine.running():
        await engine.until_synced(first)
        second = engine.source.commit(shop__a=config_map(v="2"))
        await engine.until_synced(second, "two")
        found = await engine.controller.whereabouts(second)

    assert on(found) == {"one": Presence.UNCHANGED, "two": Presence.HERE}
    assert found.here == 2
    assert found.times.first == found.times.last is not None


@in_virtual_time
async def test_where_a_revision_is_is_known_after_a_restart(tmp_path: Path) -> None:
    engine, first = make(tmp_path, shop__a=config_map(v="1"))
    async with engine.running():
        await engine.until_synced(first)
        before = await engine.controller.whereabouts(first)
    engine.restart()
    async with engine.running():
        await engine.until_synced(first)
        after = await engine.controller.whereabouts(first)

    assert on(after) == on(before)
    assert [each.arrived_at for each in after.targets] == [
        each.arrived_at for each in before.targets
    ]


@in_virtual_time
async def test_an_image_is_found_by_the_end_of_its_name(tmp_path: Path) -> None:
    image = "registry.example.org/shop/web:1.2"
    engine, _ = make(tmp_path, shop__w=running(image), shop__a=config_map())
    async with engine.running():
        await engine.until_phase(TargetPhase.SYNCED)
        for text in ("web", "registry.example.org/shop/web", "shop/web:1.2"):
            found = await engine.controller.whereabouts(text)

            assert (found.sort, found.here) == ("image", 2)
            assert [each.images for each in found.targets] == [[image], [image]]
        with pytest.raises(UnknownName):
            await engine.controller.whereabouts("eb:1.2")


@in_virtual_time
async def test_an_image_that_is_to_go_is_told_where_it_still_is(tmp_path: Path) -> None:
    engine, first = make(tmp_path, shop__w=running("web:1"))
    async with engine.running():
        await engine.until_synced(first)
        engine.clusters["two"].unreachable = True
        await engine.until_away("two")
        second = engine.source.commit(shop__w=running("web:2"))
        await engine.until_synced(second, "one")
        old = await engine.controller.whereabouts("web:1")
        new = await engine.controller.whereabouts("web:2")

    assert on(old) == {"two": Presence.LEAVING}
    assert on(new) == {"one": Presence.HERE, "two": Presence.NOT_YET}


@in_virtual_time
async def test_what_nobody_knows_is_said(tmp_path: Path) -> None:
    engine, revision = make(tmp_path, shop__a=config_map())
    async with engine.running():
        await engine.until_synced(revision)
        for text in ("4711", "nginx:1.27", "abcdef0"):
            with pytest.raises(UnknownName, match=f"no source was seen at revision {text}"):
                await engine.controller.whereabouts(text)


@in_virtual_time
async def test_digits_that_fit_two_revisions_are_refused(tmp_path: Path) -> None:
    engine, _ = make(tmp_path, shop__a=config_map(v="1"))
    engine.source.revision = int("1234567" + "1" * 9) - 1
    first = engine.source.commit(shop__a=config_map(v="2"))
    async with engine.running():
        await engine.until_synced(first)
        second = engine.source.commit(shop__a=config_map(v="3"))
        await engine.until_synced(second)

        with pytest.raises(InvalidQuery, match=f"1234567 may be {first} or {second}"):
            await engine.controller.whereabouts("1234567")
        assert (await engine.controller.whereabouts(first)).name == first


@in_virtual_time
async def test_a_commit_that_came_with_a_later_one_is_where_that_one_is(tmp_path: Path) -> None:
    engine, first = make(tmp_path, shop__a=config_map(v="1"))
    committed = now() - timedelta(seconds=90)
    made = Provenance(author="Li", subject="the one before", committed_at=committed)
    async with engine.running():
        await engine.until_synced(first)
        engine.access.broken.add("two")
        second = engine.source.commit(shop__a=config_map(v="2"))
        third = engine.source.commit(shop__a=config_map(v="3"))
        engine.source.past["0123456"] = Ancestor("0123456789", made, frozenset({third, "gone"}))
        await engine.until(lambda: engine.target("one").revision == third, "the last")
        found = await engine.controller.whereabouts("0123456")
        fourth = engine.source.commit(shop__a=config_map(v="4"))
        later = Ancestor("0123456789", made, frozenset({third, fourth}))
        engine.source.past["0123456"] = later
        await engine.until(lambda: engine.target("one").revision == fourth, "the next")
        after = await engine.controller.whereabouts("0123456")
        engine.source.past["0123456"] = Ancestor("0123456789", made, frozenset({second}))
        with pytest.raises(UnknownName):  # a source was never at the second
            await engine.controller.whereabouts("0123456")

    assert (found.name, found.came_with) == ("0123456789", third)
    assert (found.author, found.subject, found.committed_at) == ("Li", "the one before", committed)
    assert on(found)["one"] is Presence.HERE
    assert found.times.first is not None
    assert found.times.first >= 90
    assert (after.came_with, on(after)["one"]) == (third, Presence.SUPERSEDED)


@in_virtual_time
async def test_what_has_no_past_says_so_where_nothing_is_found(tmp_path: Path) -> None:
    engine, first = make(tmp_path, shop__a=config_map(v="1"))
    engine.source.past["0123456"] = InvalidSource("it keeps no past")
    async with engine.running():
        await engine.until_synced(first)
        with pytest.raises(UnknownName, match="source default/apps: it keeps no past"):
            await engine.controller.whereabouts("0123456")
        with pytest.raises(UnknownName, match="or has it in its past, and no application"):
            await engine.controller.whereabouts("abcdef0")


@in_virtual_time
async def test_first_digits_in_two_pasts_must_name_one_commit(tmp_path: Path) -> None:
    engine, first = make(tmp_path, shop__a=config_map(v="1"), api__b=config_map("b"))
    engine.documents.write("Source", "other", {"memory": {}, "interval": "1s"})
    engine.declare_application("api", source={"ref": "other", "path": "api"})
    names = iter(("01234567", "01234568"))

    class Twice:
        """Another commit for each source that is asked."""

        def get(self, name: str) -> Ancestor:
            return Ancestor(next(names), Provenance(), frozenset({first}))

    async with engine.running():
        await engine.until_synced(first)
        await engine.until(lambda: engine.target("one", "api").revision == first, "synced")
        engine.source.past = Twice()  # type: ignore[assignment]  # as much of it as is called
        with pytest.raises(InvalidQuery, match="0123456 may be 01234567 or 01234568"):
            await engine.controller.whereabouts("0123456")
