"""Clusters that die, freeze and refuse: one clear error, and the others do not notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import anyio
import anyio.to_thread
import pytest
from tests.kubernetes.planes import PlaneWorld, endpoint_of, kubeconfig_of

from shoal.errors import AccessDenied, ClusterUnreachable
from shoal.hooks.host import Host
from shoal.testing.judges import GivenJudge
from shoal.testing.target_bench import Subject, bench
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.kubeconfig import write_kubeconfig
from shoal_clusters.kubernetes.session import KubernetesTarget

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
StartVictim = Callable[[str], Awaitable[ControlPlane]]


async def test_a_killed_and_a_stopped_server_are_unreachable_and_catch_up(
    start_victim: StartVictim, subject: Subject, shoal_host: Callable[..., Host]
) -> None:
    victim = await start_victim("victim")
    host = subject.host
    endpoint = replace(await endpoint_of(victim, host), timeout=timedelta(seconds=2))
    target = subject.target
    doomed = Subject(target, "victim", endpoint, host, PlaneWorld(victim, "default"))
    async with bench(subject) as well, bench(doomed) as ill:
        body = ill.config_map("kept", a="1")
        await ill.sync(body)
        victim.pause()
        with pytest.raises(ClusterUnreachable) as stopped:
            await ill.sync(body, ill.config_map("more", a="1"))
        with anyio.fail_after(2):
            await well.sync(well.config_map("unharmed", a="1"))
        victim.resume()
        assert (await ill.session.probe()).uid

        await victim.kill()
        with pytest.raises(ClusterUnreachable) as killed:
            await ill.session.probe()
        await victim.start()
        await ill.sync(body, ill.config_map("more", a="1"))
        await ill.world.change(ill.key("kept"), {"data": {"a": "2"}})
        ill.seen.clear()
        with anyio.fail_after(60):
            while not (await ill.plan(body, ill.config_map("more", a="1"))).changes:
                await anyio.sleep(0.05)

        for error in (stopped.value, killed.value):
            assert "victim" in str(error)
            assert "Bearer" not in str(error)


async def test_a_renewed_token_is_read_again_and_an_old_one_is_denied(
    start_victim: StartVictim, shoal_host: Callable[..., Host]
) -> None:
    victim = await start_victim("victim")
    host = shoal_host()
    endpoint = await endpoint_of(victim, host)
    async with KubernetesTarget().open("victim", endpoint, {}, GivenJudge(), host) as session:
        await session.probe()
        await victim.change_users({"shoal": ("system:masters",)})
        await victim.restart()
        with pytest.raises(AccessDenied) as denied:
            await session.probe()
        renewed = [victim.access("shoal")]
        await anyio.to_thread.run_sync(write_kubeconfig, kubeconfig_of(victim), renewed)
        facts = await session.probe()

        assert "victim" in str(denied.value)
        assert facts.uid
