"""A controller that was stopped, or killed at any moment, goes on where it was."""

from __future__ import annotations

import base64
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import platformdirs
import pytest
from tests.fleet.harness import (
    FleetUnderTest,
    Writes,
    config_map,
    deployment,
    eventually,
    path_of,
)

from shoal.model.plans import OwnedState
from shoal.model.records import Deed
from shoal.store import State, open_store
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

TARGET = "default/shop@dev"
OBJECTS = 60


async def stored(fleet: FleetUnderTest) -> State:
    """What the state folder holds, once its ledger was found whole."""
    async with open_store(fleet.folder / "state") as store:
        assert await store.verify_ledger() is None
        return await store.load()


def secret(namespace: str) -> Any:
    data = {"key": base64.b64encode(b"a value").decode()}
    return {**config_map("token", namespace), "kind": "Secret", "data": data}


async def test_a_restart_with_nothing_changed_sends_no_write(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Mapping[str, ControlPlane],
) -> None:
    maps = [config_map(f"settings-{index}", namespace, color="blue") for index in range(10)]
    small_fleet.repository.write(
        "shop/all.yaml", *maps, deployment("web", namespace), secret(namespace)
    )
    revision = small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_revision(revision)
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with small_fleet.running():
        await small_fleet.until_revision(revision)
        # Healing this one shows that what was listed after the start has been judged.
        await admin.patch(path_of(maps[0]), {"data": {"color": "red"}})
        await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
        synced = await small_fleet.records(Deed.TARGET_SYNCED, TARGET)

    assert [entry.name for entry in await writes.at_least(1)] == ["settings-0"]
    assert len(synced) == 1
    assert len((await stored(small_fleet)).inventory["dev"]) == 12


async def test_what_was_done_by_hand_while_nobody_looked_is_undone_at_the_start(
    small_fleet: FleetUnderTest,
    namespace: str,
    admin: Client,
    clusters: Mapping[str, ControlPlane],
) -> None:
    edited, deleted, left = (
        config_map(name, namespace, color="blue") for name in ("edited", "deleted", "left")
    )
    small_fleet.repository.write("shop/all.yaml", edited, deleted, left)
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
    await admin.patch(path_of(edited), {"data": {"color": "red"}}, fieldManager="kubectl-edit")
    await admin.delete(path_of(deleted))
    writes = await Writes.since_now(clusters["dev"], namespace)
    async with small_fleet.running():
        entries = await writes.at_least(2)
        await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
        live = [await admin.get(path_of(each)) for each in (edited, deleted)]

    assert {entry.name for entry in entries} == {"edited", "deleted"}
    assert [each["data"] for each in live] == [{"color": "blue"}] * 2


@asynccontextmanager
async def a_process_of_its_own(fleet: FleetUnderTest) -> AsyncIterator[subprocess.Popen[bytes]]:
    """`shoal run`, which is killed when the block ends, if it has not been before."""
    folder = fleet.folder
    program = Path(sys.executable).with_name("shoal")
    command = [program, "run", "--fleet", fleet.documents, "--state", folder / "state"]
    # A home of its own, but for the cache, which holds the render worker.
    cache = platformdirs.user_cache_path()
    homes = {"XDG_STATE_HOME": folder / "home", "XDG_CACHE_HOME": cache, "HOME": folder}
    environment = {**os.environ, **{name: str(path) for name, path in homes.items()}}
    log = await anyio.to_thread.run_sync(lambda: (folder / "run.log").open("wb"))
    process = await anyio.to_thread.run_sync(
        lambda: subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    )
    log.close()
    try:
        yield process
    finally:
        process.kill()
        await anyio.to_thread.run_sync(process.wait)


async def live_maps(admin: Client, namespace: str) -> dict[str, Any]:
    found = await admin.get(f"/api/v1/namespaces/{namespace}/configmaps")
    return {each["metadata"]["name"]: each for each in found["items"]}


async def kill_when(
    fleet: FleetUnderTest, admin: Client, namespace: str, *, color: str, count: int
) -> None:
    """Let `shoal run` go on until so many objects have this color, then kill it."""

    async def look() -> bool:
        maps = await live_maps(admin, namespace)
        return sum(each["data"]["color"] == color for each in maps.values()) >= count

    async with a_process_of_its_own(fleet) as process:
        try:
            await eventually(look, f"{count} objects {color}")
        except AssertionError:
            log = await anyio.to_thread.run_sync((fleet.folder / "run.log").read_text)
            raise AssertionError(log[-3000:]) from None
        assert process.poll() is None


def names(numbers: range) -> set[str]:
    return {f"settings-{number:02}" for number in numbers}


def write(fleet: FleetUnderTest, namespace: str, numbers: range, color: str) -> str:
    maps = (config_map(name, namespace, color=color) for name in sorted(names(numbers)))
    fleet.repository.write("shop/all.yaml", *maps)
    return fleet.repository.commit(f"Paint it {color}")


async def assert_equals_git(
    fleet: FleetUnderTest, admin: Client, namespace: str, numbers: range, color: str
) -> None:
    """Live, marked as ours, and known to the inventory: exactly these objects."""
    maps, state = await live_maps(admin, namespace), await stored(fleet)
    rows = state.inventory["dev"]
    assert set(maps) == names(numbers)
    assert {each["data"]["color"] for each in maps.values()} == {color}
    assert {each["metadata"]["labels"]["shoal.dev/fleet"] for each in maps.values()} == {fleet.name}
    assert {key.name for key in rows} == names(numbers)
    assert {row.state for row in rows.values()} == {OwnedState.CONFIRMED}
    assert {row.uid for row in rows.values()} == {each["metadata"]["uid"] for each in maps.values()}


@pytest.mark.parametrize("attempt", range(2))
async def test_killed_during_the_first_sync_it_ends_where_git_is(
    small_fleet: FleetUnderTest, namespace: str, admin: Client, attempt: int
) -> None:
    revision = write(small_fleet, namespace, range(OBJECTS), "blue")
    count = random.randint(1, OBJECTS - 5)  # any moment will do
    await kill_when(small_fleet, admin, namespace, color="blue", count=count)
    async with small_fleet.running():
        await small_fleet.until_revision(revision)

    await assert_equals_git(small_fleet, admin, namespace, range(OBJECTS), "blue")


async def test_killed_during_a_change_it_ends_where_git_is(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    first = write(small_fleet, namespace, range(OBJECTS), "blue")
    async with small_fleet.running():
        await small_fleet.until_revision(first)
    # A quarter goes, the rest changes, and as much comes.
    wanted = range(OBJECTS // 4, OBJECTS + OBJECTS // 4)
    revision = write(small_fleet, namespace, wanted, "red")
    count = random.randint(1, OBJECTS - 5)  # any moment will do
    await kill_when(small_fleet, admin, namespace, color="red", count=count)
    async with small_fleet.running():
        await small_fleet.until_revision(revision)

    await assert_equals_git(small_fleet, admin, namespace, wanted, "red")
