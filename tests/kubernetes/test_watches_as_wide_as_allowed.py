"""Watches where not everything is allowed: by namespace, then one by one, and wide again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.kubernetes.guests import Rights
from tests.kubernetes.planes import PlaneWorld, endpoint_of

from shoal.hooks.host import Host
from shoal.testing.target_bench import Bench, Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.audit import audit_position, read_audit_log
from shoal_clusters.controlplane.waiting import wait_until
from shoal_clusters.kubernetes import covering, watching
from shoal_clusters.kubernetes.session import KubernetesTarget

pytestmark = pytest.mark.real

WRITE = ("get", "create", "patch", "delete")


@pytest.fixture
async def rights(world: PlaneWorld) -> Any:
    given = Rights(world)
    await given.grant_identity()
    yield given
    await given.revoke()


@pytest.fixture
async def guest(plane: ControlPlane, world: PlaneWorld, shoal_host: Callable[..., Host]) -> Subject:
    host = shoal_host()
    endpoint = await endpoint_of(plane, host, "guest")
    return Subject(KubernetesTarget(patience_seconds=2), "dev", endpoint, host, world)


async def limits_of(it: Bench) -> str:
    """What a probe tells."""
    return "; ".join((await it.session.probe()).limits)


async def until_limit(it: Bench, wanted: str) -> None:
    async def is_said() -> bool:
        told = await limits_of(it)
        return wanted in told if wanted else not told

    assert await wait_until(is_said, seconds=10), await limits_of(it)


async def test_a_namespace_is_watched_by_itself_when_all_may_not_be(
    guest: Subject, world: PlaneWorld, rights: Rights, plane: ControlPlane
) -> None:
    await rights.grant([*WRITE, "list", "watch"])
    async with bench(guest) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body)
        await world.change(it.key("settings"), {"data": {"a": "2"}})
        await it.until_drifted("settings", missing=False)
        start = await audit_position(plane.audit_log)
        await it.sync(body)

        entries = await read_audit_log(plane.audit_log, since=start)
        assert [one.verb for one in entries if one.user == "guest"] == ["patch"]
        assert await limits_of(it) == (
            "configmaps may not be watched over all namespaces; each is watched by itself"
        )
        await world.remove(it.key("settings"))
        await it.until_drifted("settings", missing=True)


async def test_after_a_restart_the_namespaces_of_the_inventory_are_watched(
    guest: Subject, world: PlaneWorld, rights: Rights
) -> None:
    await rights.grant([*WRITE, "list", "watch"])
    async with bench(guest) as it:
        await it.sync(it.config_map("settings", a="1"), it.config_map("gone", a="1"))
    await world.change(it.key("settings"), {"data": {"a": "2"}})
    await world.remove(it.key("gone"))
    async with bench(guest, it.inventory) as again:
        await again.until_drifted("settings", missing=False)
        await again.until_drifted("gone", missing=True)


async def test_objects_are_read_one_by_one_when_no_watch_is_allowed(
    guest: Subject, world: PlaneWorld, rights: Rights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(covering, "_LOOK_SECONDS", 0.1)
    await rights.grant(WRITE)
    async with bench(guest) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body)
        await until_limit(it, "they are read every 5 minutes instead")
        await world.change(it.key("settings"), {"data": {"a": "2"}})
        await it.until_drifted("settings", missing=False)
        await it.sync(body)
        it.seen.clear()
        await world.remove(it.key("settings"))
        await it.until_drifted("settings", missing=True)


async def test_the_watch_is_wide_again_when_that_is_allowed(
    guest: Subject, world: PlaneWorld, rights: Rights, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A full check, and with it another try, every half second instead of every few hours.
    monkeypatch.setattr(watching, "_CHECK_HOURS", (0.5 / 3600, 0.5 / 3600))
    await rights.grant([*WRITE, "list", "watch"])
    async with bench(guest) as it:
        body = it.config_map("settings", a="1")
        await it.sync(body)
        await until_limit(it, "watched by itself")
        await rights.grant([*WRITE, "list", "watch"], everywhere=True)
        await until_limit(it, "")
        await world.change(it.key("settings"), {"data": {"a": "2"}})
        await it.until_drifted("settings", missing=False)


async def test_no_more_namespaces_are_watched_than_is_bounded(
    guest: Subject, world: PlaneWorld, rights: Rights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(covering, "MOST_NAMESPACES", 0)
    await rights.grant([*WRITE, "list", "watch"])
    async with bench(guest) as it:
        await it.sync(it.config_map("settings", a="1"))
        await until_limit(it, f"configmaps may not be watched in {world.namespace}; they are read")
