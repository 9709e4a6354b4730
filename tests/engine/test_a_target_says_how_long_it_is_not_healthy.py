"""What is not healthy says for how long, from a minute on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from tests.engine.harness import EngineUnderTest, config_map, config_maps, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.health import Health, HealthState, lasting

SLOW = Health(HealthState.PROGRESSING, "0 of 2 replicas are ready")
SLOWER = Health(HealthState.PROGRESSING, "1 of 2 replicas are ready")
BROKEN = Health(HealthState.DEGRADED, "no image")


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=59), ""),
        (timedelta(minutes=1), " (for 1 min)"),
        (timedelta(minutes=119), " (for 119 min)"),
        (timedelta(hours=2), " (for 2 h)"),
        (timedelta(days=3, hours=5), " (for 3 days)"),
    ],
)
def test_a_span_is_said_in_one_word(span: timedelta, words: str) -> None:
    assert lasting(SLOW, span) == SLOW._replace(reason=SLOW.reason + words)
    assert lasting(Health(HealthState.HEALTHY), span) == Health(HealthState.HEALTHY)


async def until_message(engine: EngineUnderTest, reason: str) -> None:
    message = f"{key_of()}: {reason}" if reason else ""
    await engine.until(lambda: engine.target("one").message == message, message)


@in_virtual_time
async def test_a_target_says_how_long_its_worst_object_is_like_this(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    cluster = engine.clusters["one"]
    cluster.health[key_of()] = SLOW
    revision = engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        await engine.until_synced(revision)
        await until_message(engine, "0 of 2 replicas are ready")
        await anyio.sleep(3 * 60 + 1)
        after = engine.target("one")
        cluster.set_health(key_of(), SLOWER)
        await until_message(engine, "1 of 2 replicas are ready (for 3 min)")
        cluster.set_health(key_of(), BROKEN)
        await until_message(engine, "no image")
        await anyio.sleep(61)
        await until_message(engine, "no image (for 1 min)")
        cluster.set_health(key_of(), Health(HealthState.HEALTHY))
        await until_message(engine, "")

    assert after.message == f"{key_of()}: 0 of 2 replicas are ready (for 3 min)"
    assert [problem.message for problem in after.problems] == [
        "0 of 2 replicas are ready (for 3 min)"
    ]


@in_virtual_time
async def test_a_target_names_its_worst_object_and_how_many_are_as_bad(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    cluster = engine.clusters["one"]
    cluster.health |= {key_of("m0"): SLOW, key_of("m1"): BROKEN, key_of("m2"): BROKEN}
    revision = engine.source.commit(**config_maps(3, a="1"))

    async with engine.running():
        await engine.until_synced(revision)
        said = f"{key_of('m1')}: no image (and 1 more)"
        await engine.until(lambda: engine.target("one").message == said, said)
