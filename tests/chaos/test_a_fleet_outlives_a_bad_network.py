"""Each fault of the network once, at one cluster of a fleet: afterwards it is as Git has it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

import anyio
import pytest
from anyio import to_thread
from tests.chaos.faults import HARMS, TRICKS
from tests.chaos.interceptor import PASS, Interceptor, Trick, interceptor
from tests.chaos.proxy import FaultProxy, fault_proxy
from tests.fleet.conftest import MakeFleet
from tests.fleet.harness import FleetUnderTest, config_map, document

from shoal.planning.circuits import Timing
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.kubeconfig import write_kubeconfig

pytestmark = pytest.mark.real
# Faults here last half a second; nobody waits ten for the next probe.
TIMING = Timing(timedelta(seconds=0.5), timedelta(seconds=0.5), timedelta(seconds=0.1))
FELT_SECONDS = 0.4


@asynccontextmanager
async def proxied(
    fleet: FleetUnderTest, plane: ControlPlane
) -> AsyncIterator[tuple[FaultProxy, Interceptor]]:
    """The fleet's one cluster, behind a proxy and an interceptor."""
    chance = random.Random(1)
    port = int(plane.server.rpartition(":")[2])
    async with (
        interceptor(plane.folder, port, chance) as tricks,
        fault_proxy(lambda: tricks.port, chance) as proxy,
    ):
        path = fleet.folder / "kubeconfig"
        access = replace(plane.access("shoal"), server=f"https://127.0.0.1:{proxy.port}")
        await to_thread.run_sync(write_kubeconfig, path, [access])
        spec = {"access": {"kubeconfig": {"path": str(path)}}, "limits": {"timeout": "2s"}}
        fleet.write("cluster-dev.yaml", document("Cluster", "dev", spec))
        yield proxy, tricks


async def test_a_fleet_is_equal_to_git_after_each_fault_of_the_network(
    make_fleet: MakeFleet, clusters: Mapping[str, ControlPlane], namespace: str
) -> None:
    fleet = make_fleet({"dev": clusters["dev"]})
    fleet.timing = TIMING

    async def change(number: int) -> str:
        names = ("a", "b", "c")
        bodies = [config_map(name, namespace, number=str(number)) for name in names]
        fleet.repository.write("shop/objects.yaml", *bodies)
        return await fleet.push(f"Change {number}")

    async with proxied(fleet, clusters["dev"]) as (proxy, tricks), fleet.running():

        def play(trick: Trick) -> None:
            tricks.trick = trick
            proxy.cut()

        strikes = [partial(proxy.harm, harm) for harm, _ in HARMS.values()]
        strikes += [partial(play, trick) for trick, _ in TRICKS.values()]
        await fleet.until_revision(await change(0))
        for number, strike in enumerate(strikes, 1):
            strike()
            revision = await change(number)
            with anyio.move_on_after(FELT_SECONDS):
                await fleet.until_revision(revision)
            proxy.heal()
            tricks.trick = PASS
            await fleet.until_revision(revision)

        async with clusters["dev"].client() as admin:
            found = await admin.get(f"/api/v1/namespaces/{namespace}/configmaps")
        ours = {one["metadata"]["name"]: one.get("data", {}) for one in found["items"]}
        assert {ours[name]["number"] for name in ("a", "b", "c")} == {str(len(strikes))}
