"""What is on its way and cannot get on is shown as that, told once, and over when all is well."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.engine.harness import EngineUnderTest, config_map, deployment, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.views.applications import BLOCKED, ObjectProblem, TargetPhase
from shoal.model.health import Health, HealthState
from shoal.model.records import Deed

WEB = key_of("web", "Deployment")
STARTING = Health(HealthState.PROGRESSING, "0 of 2 replicas are updated")
PULLING = STARTING._replace(reason=f"{STARTING.reason}; container app: ImagePullBackOff")
STUCK = PULLING._replace(is_blocked=True)


def with_web(folder: Path, *names: str) -> EngineUnderTest:
    engine = make_engine(folder, *names)
    for cluster in engine.clusters.values():
        cluster.set_health(WEB, STARTING)
    engine.source.commit(shop__web=deployment("web"), shop__settings=config_map(a="1"))
    return engine


@in_virtual_time
async def test_a_target_an_application_and_the_fleet_say_so(tmp_path: Path) -> None:
    engine = with_web(tmp_path, "dev", "prod")
    dev = engine.clusters["dev"]

    async with engine.running():
        await engine.until_synced("1")
        dev.set_health(WEB, PULLING)
        await engine.until(lambda: "ImagePull" in engine.target("dev").message, "its cause")
        before = (engine.target("dev").blocked, engine.application().blocked)
        dev.set_health(WEB, STUCK)
        await engine.until(lambda: engine.target("dev").blocked, "it is blocked")
        target, application = engine.target("dev"), engine.application()
        fleet, other = engine.controller.fleet(), engine.target("prod")

    assert before == (0, 0)
    assert (target.phase, target.health, target.blocked) == (TargetPhase.SYNCED, "Progressing", 1)
    assert target.message == f"{WEB}: {STUCK.reason}"
    assert target.problems == [ObjectProblem(str(WEB), BLOCKED, STUCK.reason)]
    assert (application.blocked, application.message) == (1, f"dev: {target.message}")
    assert (fleet.blocked, other.blocked) == (1, 0)


@in_virtual_time
async def test_the_ledger_tells_when_it_begins_and_when_all_is_well(tmp_path: Path) -> None:
    engine = with_web(tmp_path, "dev")
    dev = engine.clusters["dev"]

    async with engine.running():
        await engine.until_synced("1")
        dev.set_health(WEB, PULLING)
        await anyio.sleep(60)
        before = engine.store.recorded(Deed.TARGET_DEGRADED)
        for health in (STUCK, PULLING, STUCK):
            dev.set_health(WEB, health)
            await anyio.sleep(60)
        dev.set_health(WEB, Health(HealthState.HEALTHY))
        await engine.until_recorded(Deed.TARGET_HEALTHY)
        view = engine.target("dev")

    assert before == []
    assert [each.why for each in engine.store.recorded(Deed.TARGET_DEGRADED)] == [STUCK.reason]
    assert (view.health, view.blocked, view.message) == ("Healthy", 0, "")


@in_virtual_time
async def test_nobody_knows_of_a_cluster_that_is_away(tmp_path: Path) -> None:
    engine = with_web(tmp_path, "dev")
    dev = engine.clusters["dev"]

    async with engine.running():
        await engine.until_synced("1")
        dev.set_health(WEB, STUCK)
        await engine.until(lambda: engine.target("dev").blocked, "it is blocked")
        dev.unreachable = True
        await engine.until_away("dev")
        away = engine.target("dev")

    assert (away.health, away.blocked) == ("Unknown", 0)
