"""Warnings of a cluster that works: an ending credential, slowness, flapping, what is not seen."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from tests.engine.harness import EngineUnderTest, config_map, data_in, make_engine
from tests.engine.virtual_time import START, in_virtual_time

from shoal.engine.views.clusters import ClusterView, WarningReason

DAY = timedelta(days=1)


def commit(engine: EngineUnderTest, color: str = "blue") -> str:
    return engine.source.commit(shop__settings=config_map(color=color))


def reasons(view: ClusterView) -> list[WarningReason]:
    return [warning.reason for warning in view.warnings]


@in_virtual_time
async def test_a_credential_that_ends_within_seven_days_is_told(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "soon", "later", "never")
    engine.access.expiries |= {"soon": START + 6.5 * DAY, "later": START + 8 * DAY}
    revision = commit(engine)

    async with engine.running():
        await engine.until_synced(revision)
        soon, later, never = map(engine.cluster, engine.clusters)

    assert soon.credential_expiry_time == START + 6.5 * DAY
    assert reasons(soon) == [WarningReason.CREDENTIAL_EXPIRES]
    assert "expires in 6 days, at 2026-01-07 12:00 UTC" in soon.message
    assert "renew it" in soon.next_step
    assert soon.reachable == soon.authorized == "True"
    assert (later.credential_expiry_time, later.message) == (START + 8 * DAY, "")
    assert never.credential_expiry_time is None


@in_virtual_time
async def test_an_expired_credential_that_is_still_accepted_is_a_matter_of_clocks(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    engine.access.expiries["one"] = START - DAY
    revision = commit(engine)

    async with engine.running():
        await engine.until_synced(revision)
        accepted = engine.cluster("one")
        engine.clusters["one"].denied = True
        refused = await engine.until_cluster("one", lambda view: view.authorized == "False", "no")

    assert "is still accepted: one of the clocks is wrong" in accepted.message
    assert refused.warnings[0].message == "its credential expired at 2025-12-31 00:00 UTC"
    assert "refused the credential" in refused.message


@in_virtual_time
async def test_a_slow_cluster_is_called_slow_with_its_latency_until_it_is_not(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one", "two")
    revision = commit(engine)

    async with engine.running():
        await engine.until_synced(revision)
        engine.clusters["one"].latency = 2.5
        slow = await engine.until_cluster("one", lambda view: view.slow == "True", "is slow")
        other = engine.cluster("two")
        engine.clusters["one"].latency = 0.2
        await engine.until_cluster("one", lambda view: view.slow == "False", "is not slow")
        engine.clusters["one"].unreachable = True
        away = await engine.until_away("one")

    assert slow.latency_seconds == 2.5
    assert reasons(slow) == [WarningReason.SLOW]
    assert "requests take up to 2.5 s" in slow.message
    assert slow.reachable == "True"
    assert (other.slow, other.message) == ("False", "")
    assert away.slow == "Unknown"


@in_virtual_time
async def test_the_p99_of_the_others_moves_less_than_five_percent_beside_a_slow_cluster(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "ill", "well")
    well = engine.clusters["well"]
    well.latency = 0.1

    async def landing_times() -> list[float]:
        found = []
        for number in range(12):
            began = anyio.current_time()
            color = f"color {began} {number}"
            commit(engine, color)
            await engine.until(lambda: data_in(well) == {"color": color}, color)  # noqa: B023
            found.append(anyio.current_time() - began)
            await anyio.sleep(3)
        return sorted(found)

    async with engine.running():
        await engine.until_synced(commit(engine))
        alone = await landing_times()
        engine.clusters["ill"].latency = 4.0
        beside = await landing_times()

    assert beside[-1] <= 1.05 * alone[-1]


@in_virtual_time
async def test_a_flapping_cluster_is_counted_and_told_for_an_hour(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one", "two")
    one = engine.clusters["one"]
    revision = commit(engine)

    async with engine.running():
        await engine.until_synced(revision)
        steady = engine.cluster("one")
        for _ in range(3):
            one.unreachable = True
            await engine.until_away("one")
            one.unreachable = False
            await engine.until_cluster("one", lambda view: view.reachable == "True", "is back")
        flapping, other = engine.cluster("one"), engine.cluster("two")
        await anyio.sleep(3700)
        calm = engine.cluster("one")

    assert (steady.transitions, steady.message) == (0, "")
    assert flapping.transitions == 6
    assert reasons(flapping) == [WarningReason.FLAPPING]
    assert "went away and came back 3 times within the last hour" in flapping.message
    assert (other.transitions, other.message) == (0, "")
    assert (calm.transitions, calm.message) == (6, "")


@in_virtual_time
async def test_one_outage_is_two_turns_and_no_flapping(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = commit(engine)

    async with engine.running():
        await engine.until_synced(revision)
        engine.clusters["one"].unreachable = True
        await anyio.sleep(900)
        engine.clusters["one"].unreachable = False
        await engine.until_cluster("one", lambda view: view.reachable == "True", "is back")
        view = engine.cluster("one")

    assert (view.transitions, view.message) == (2, "")


@pytest.mark.parametrize("was_away", [False, True])
@in_virtual_time
async def test_what_is_not_seen_is_stale_since_it_was_first_missed(
    tmp_path: Path, was_away: bool
) -> None:
    engine = make_engine(tmp_path, "one")
    one = engine.clusters["one"]
    revision = commit(engine)

    async with engine.running():
        await engine.until_synced(revision)
        one.stale = ("what it serves in metrics.k8s.io is not known",)
        first = await engine.until_cluster("one", lambda view: view.stale_since, "is stale")
        await anyio.sleep(300)
        if was_away:
            one.unreachable = True
            await engine.until_circuit("one", "Open")
            one.unreachable = False
            await engine.until_circuit("one", "Closed")
        later = engine.cluster("one")
        one.stale = ()
        await engine.until_cluster("one", lambda view: not view.stale_since, "sees all")
        seen = engine.cluster("one")

    assert first.stale_since == later.stale_since
    assert reasons(later) == [WarningReason.STALE]
    assert f"Stale since {first.stale_since:%H:%M:%S}: what it serves" in later.message
    assert seen.message == ""
