"""A fleet of local control planes: some real API servers on one etcd, each with its own prefix.

For the demo, for tests, and for people without a cluster. `local_fleet` is a fleet for as long as a
block lasts; `start_fleet` and `Fleet.stop` are the same for those who cannot hold a block open: a
fixture of a whole test session (no event loop is needed in between), or a command that returns and
leaves the fleet running (`is_detached`).
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from shoal.binaries import Progress, locate, silent
from shoal_clusters.controlplane.apiserver import (
    ADMIN,
    USERS,
    ControlPlane,
    prepare_control_plane,
)
from shoal_clusters.controlplane.etcd import Etcd, start_etcd, write_etcd_certificates
from shoal_clusters.controlplane.kubeconfig import write_kubeconfig
from shoal_clusters.controlplane.ports import free_port
from shoal_clusters.controlplane.programs import ETCD, KUBE_APISERVER

ETCD_FOLDER = ".etcd"  # beside the clusters' folders; no cluster's name begins with a dot


@dataclass(frozen=True, slots=True)
class Fleet:
    """Running control planes by name, in the order asked for, with their etcd."""

    folder: Path
    clusters: Mapping[str, ControlPlane]
    etcd: Etcd

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, with one context per cluster."""
        return self.kubeconfig_for(ADMIN)

    def kubeconfig_for(self, user: str) -> Path:
        """The kubeconfig of a user with a token, with one context per cluster."""
        return self.folder / ("kubeconfig" if user == ADMIN else f"kubeconfig-{user}")

    async def stop(self) -> None:
        """Kill all its processes, whatever state they are in; its data is throw-away."""
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group:
                for cluster in self.clusters.values():
                    group.start_soon(cluster.kill)
                group.start_soon(self.etcd.stop)


@asynccontextmanager
async def local_fleet(
    folder: Path,
    names: Sequence[str],
    *,
    users: Mapping[str, Sequence[str]] = USERS,
    progress: Progress = silent,
) -> AsyncIterator[Fleet]:
    """A fleet that ends with the block; its folder, which must not exist yet, is removed."""
    try:
        fleet = await start_fleet(folder, names, users=users, progress=progress)
        try:
            yield fleet
        finally:
            await fleet.stop()
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))


async def start_fleet(
    folder: Path,
    names: Sequence[str],
    *,
    users: Mapping[str, Sequence[str]] = USERS,
    progress: Progress = silent,
    is_detached: bool = False,
) -> Fleet:
    """Start one etcd and an API server per name, and wait until all are ready.

    `users` get a token each, and groups. Finding, downloading or building the programs is told to
    `progress`. Raises BinaryUnavailable, or ClusterUnreachable; then nothing is left running.
    """
    etcd_program = await locate(ETCD, progress=progress)
    program = await locate(KUBE_APISERVER, progress=progress)
    await to_thread.run_sync(write_etcd_certificates, folder / ETCD_FOLDER)
    etcd = await start_etcd(etcd_program, folder / ETCD_FOLDER, is_detached=is_detached)
    clusters: dict[str, ControlPlane] = {}
    fleet = Fleet(folder, clusters, etcd)
    try:
        for name in names:
            clusters[name] = await _prepare(folder, name, program, etcd, users, is_detached)
        await to_thread.run_sync(_write_fleet_kubeconfigs, fleet, users)
        await _start_all(fleet, progress)
    except BaseException:
        await fleet.stop()
        raise
    return fleet


async def _prepare(
    folder: Path,
    name: str,
    program: Path,
    etcd: Etcd,
    users: Mapping[str, Sequence[str]],
    is_detached: bool,
) -> ControlPlane:
    server = f"https://127.0.0.1:{free_port()}"
    home = folder / name
    prepare = partial(prepare_control_plane, home, name=name, server=server, users=users)
    return ControlPlane(
        name=name,
        server=server,
        folder=home,
        program=program,
        etcd_server=etcd.server,
        etcd_folder=etcd.folder,
        accesses=await to_thread.run_sync(prepare),
        is_detached=is_detached,
    )


def _write_fleet_kubeconfigs(fleet: Fleet, users: Mapping[str, Sequence[str]]) -> None:
    for user in (ADMIN, *users):
        accesses = [cluster.access(user) for cluster in fleet.clusters.values()]
        write_kubeconfig(fleet.kubeconfig_for(user), accesses)


async def _start_all(fleet: Fleet, progress: Progress) -> None:
    ready = 0

    async def start(cluster: ControlPlane) -> None:
        nonlocal ready
        await cluster.start()
        ready += 1
        progress(f"{cluster.name}: ready", ready / len(fleet.clusters))

    progress(f"starting {len(fleet.clusters)} API servers", 0.0)
    try:
        async with anyio.create_task_group() as group:
            for cluster in fleet.clusters.values():
                group.start_soon(start, cluster)
    except* Exception as failures:
        raise _first(failures) from failures


def _first(failures: BaseExceptionGroup[Exception]) -> Exception:
    """The first cause: the others are told to stop because of it."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
