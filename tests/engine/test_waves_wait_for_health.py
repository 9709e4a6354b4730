"""Waves: the next one is written when the one before was seen healthy; nobody sleeps or polls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
from tests.engine.harness import EngineUnderTest, config_map, deployment, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import TargetPhase
from shoal.errors import InvalidObject
from shoal.model.health import Health, HealthState
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.records import Deed

ILL = Health(HealthState.PROGRESSING, "0 of 1 ready")
WELL = Health(HealthState.HEALTHY)
FIRST, SECOND, LAST = (key_of(name, "Deployment") for name in ("first", "second", "last"))


def wave(name: str, number: int, image: str = "one", kind: str = "shoal.dev/wave") -> Any:
    body = deployment(name, **{kind: str(number)})
    body["spec"] = {"image": image}
    return body


def commit(engine: EngineUnderTest, image: str = "one") -> str:
    return engine.source.commit(
        shop__first=wave("first", 0, image),
        shop__second=wave("second", 1, image),
        shop__last=wave("last", 2, image, kind="argocd.argoproj.io/sync-wave"),
    )


def make_ill(engine: EngineUnderTest, *keys: ObjectKey) -> None:
    for key in keys or (FIRST, SECOND, LAST):
        engine.clusters["dev"].set_health(key, ILL)


def heal(engine: EngineUnderTest, key: ObjectKey) -> None:
    engine.clusters["dev"].set_health(key, WELL)


async def until_there(engine: EngineUnderTest, key: ObjectKey) -> None:
    await engine.until(lambda: key in engine.clusters["dev"].objects, f"{key} is there")


@in_virtual_time
async def test_each_wave_is_written_when_the_one_before_is_healthy(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    make_ill(engine)
    commit(engine)

    async with engine.running():
        await until_there(engine, FIRST)
        await anyio.sleep(900)
        first = set(engine.clusters["dev"].objects)
        heal(engine, FIRST)
        await until_there(engine, SECOND)
        await anyio.sleep(900)
        second = set(engine.clusters["dev"].objects)
        heal(engine, SECOND)
        await engine.until_synced("1")

    assert first == {FIRST}
    assert second == {FIRST, SECOND}
    assert [key for _, key in engine.clusters["dev"].writes] == [FIRST, SECOND, LAST]


@in_virtual_time
async def test_a_wave_that_waits_says_for_which_object_and_since_when(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    make_ill(engine)
    commit(engine)

    async with engine.running():
        await until_there(engine, FIRST)
        await engine.until_phase(TargetPhase.SYNCING)
        since = engine.store.recorded(Deed.TARGET_SYNCED)[0].at
        await anyio.sleep(900)
        view = engine.target("dev")

    assert view.phase is TargetPhase.SYNCING
    assert view.message == (
        f"2 objects of later waves wait since {since:%H:%M:%S} for wave 0, in which "
        "Deployment.apps default/first is Progressing: 0 of 1 ready"
    )
    waiting = [each.object for each in view.problems if each.reason == "Waiting"]
    assert waiting == ["Deployment.apps default/last", "Deployment.apps default/second"]


@in_virtual_time
async def test_nobody_polls_while_a_wave_waits(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    make_ill(engine)
    commit(engine)
    shop = TargetKey(engine.ref("shop"), "dev")

    async with engine.running():
        await until_there(engine, FIRST)
        await anyio.sleep(30)
        before = len(engine.target_type.planned[shop])
        await anyio.sleep(6000)
        after = len(engine.target_type.planned[shop])
        active = engine.state.clusters["dev"].queue.active

    assert after == before
    assert active == 0


@in_virtual_time
async def test_an_update_goes_by_waves_too(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    commit(engine)

    async with engine.running():
        await engine.until_synced("1")
        engine.clusters["dev"].writes.clear()
        make_ill(engine, FIRST)
        commit(engine, "two")
        await engine.until(lambda: engine.clusters["dev"].writes, "the first")
        await anyio.sleep(60)
        first = list(engine.clusters["dev"].writes)
        heal(engine, FIRST)
        await engine.until_synced("2")

    assert first == [("apply", FIRST)]
    assert engine.clusters["dev"].writes == [("apply", key) for key in (FIRST, SECOND, LAST)]


@in_virtual_time
async def test_drift_of_a_later_wave_is_corrected_at_once(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    commit(engine)

    async with engine.running():
        await engine.until_synced("1")
        make_ill(engine, FIRST)
        commit(engine, "two")
        await engine.until_phase(TargetPhase.SYNCING)
        await engine.clusters["dev"].change(LAST, {"spec": {"image": "hand"}})
        await engine.until_recorded(Deed.TARGET_CORRECTED)
        last = engine.clusters["dev"].objects[LAST].body["spec"]

    assert last == {"image": "one"}


@in_virtual_time
async def test_an_object_that_fails_stops_the_next_wave_and_is_tried_again(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.clusters["dev"].refusals[FIRST] = InvalidObject("no such image")
    commit(engine)

    async with engine.running():
        await engine.until_phase(TargetPhase.FAILED)
        await anyio.sleep(60)
        before = set(engine.clusters["dev"].objects)
        del engine.clusters["dev"].refusals[FIRST]
        commit(engine, "two")
        await engine.until_synced("2")

    assert before == set()


@in_virtual_time
async def test_deletions_go_backwards_and_after_all_writes(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    engine.declare_application("shop", sync={"prune": "AfterApply"})
    many = {f"shop__m{number}": config_map(f"m{number}") for number in range(10)}

    def numbered(name: str, number: int) -> Any:
        body = config_map(name)
        body["metadata"]["annotations"] = {"shoal.dev/wave": str(number)}
        return body

    engine.source.commit(**many, shop__a=numbered("a", 0), shop__z=numbered("z", 1))
    async with engine.running():
        await engine.until_synced("1")
        engine.clusters["dev"].writes.clear()
        engine.source.commit(**many, shop__b=numbered("b", 3))
        await engine.until_synced("2")

    assert engine.clusters["dev"].writes == [
        ("apply", key_of("b")),
        ("delete", key_of("z")),
        ("delete", key_of("a")),
    ]


@in_virtual_time
async def test_a_wave_that_nobody_can_read_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    odd = deployment("odd", **{"shoal.dev/wave": "last"})
    engine.source.commit(shop__odd=odd, shop__settings=config_map(color="blue"))

    async with engine.running():
        await engine.until_phase(TargetPhase.FAILED)
        view = engine.target("dev")

    assert set(engine.clusters["dev"].objects) == {key_of()}
    assert "annotation shoal.dev/wave is no whole number" in view.message
