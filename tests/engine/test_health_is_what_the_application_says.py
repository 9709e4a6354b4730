"""Rules of the application and checks of plugins, through the whole engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.engine.harness import EngineUnderTest, config_map, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.engine.judging import by_kind
from shoal.errors import Permanent
from shoal.model.health import Health, HealthState
from shoal.model.identity import GroupKind

CONFIG_MAP = GroupKind("", "ConfigMap")


def rule(healthy: str) -> dict[str, Any]:
    return {"target": {"kind": "ConfigMap"}, "healthy": healthy}


@dataclass
class Check:
    """A check of a plugin."""

    assess: Callable[[Mapping[str, Any]], Health | None]
    name: str = "maps"
    kinds: frozenset[GroupKind] = frozenset({CONFIG_MAP})


async def until_health(engine: EngineUnderTest, health: str) -> str:
    """Wait for the health of the target; the first object's reason."""

    def holds() -> bool:
        known = engine.controller.targets()
        return bool(known) and engine.target("one").health == health

    await engine.until(holds, f"{health} on one")
    problems = engine.target("one").problems
    return problems[0].message if problems else ""


@in_virtual_time
async def test_a_rule_decides_when_a_target_is_healthy(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("shop", health=[rule("object.data.ready == 'yes'")])
    revision = engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        await engine.until_synced(revision)
        before = await until_health(engine, "Progressing")
        engine.source.commit(shop__settings=config_map(ready="yes"))
        await until_health(engine, "Healthy")

    assert before == "spec.health[0].healthy: there is no field ready"


@in_virtual_time
async def test_rules_that_change_alone_are_followed_without_a_write(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        await engine.until_synced(revision)
        await until_health(engine, "Healthy")
        writes = len(engine.clusters["one"].writes)
        engine.declare_application("shop", health=[rule("object.data.a == '2'")])
        why = await until_health(engine, "Progressing")
        engine.declare_application("shop")
        await until_health(engine, "Healthy")

    assert why == "spec.health[0] does not call it healthy"
    assert len(engine.clusters["one"].writes) == writes


@in_virtual_time
async def test_a_rule_that_cannot_be_evaluated_leaves_the_health_unknown(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_application("shop", health=[rule("object.data.a")])
    engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        why = await until_health(engine, "Unknown")

    assert why == "spec.health[0].healthy: it gives a text, and true or false is needed"


@in_virtual_time
async def test_a_check_of_a_plugin_comes_after_the_rules_of_the_application(
    tmp_path: Path,
) -> None:
    engine = make_engine(tmp_path, "one")
    engine.checks.append(Check(lambda body: Health(HealthState.DEGRADED, "the plugin says so")))
    engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        why = await until_health(engine, "Degraded")
        engine.declare_application("shop", health=[rule("true")])
        await until_health(engine, "Healthy")

    assert why == "the plugin says so"


@in_virtual_time
async def test_a_check_may_leave_an_object_to_the_others(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.checks.append(Check(lambda body: None))
    engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        await until_health(engine, "Healthy")


@in_virtual_time
async def test_a_check_that_breaks_leaves_the_health_unknown_and_is_named(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    engine.checks.append(Check(lambda body: Health(HealthState(body["no such field"]))))
    engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        why = await until_health(engine, "Unknown")

    assert why.startswith("health maps failed for ConfigMap default/settings: KeyError")


def test_two_checks_for_one_kind_are_an_error_that_names_both() -> None:
    one, two = Check(lambda body: None, "one"), Check(lambda body: None, "two")

    with pytest.raises(Permanent, match="two health checks judge ConfigMap: one and two"):
        by_kind([one, two])
    assert by_kind([one]) == {CONFIG_MAP: one}
