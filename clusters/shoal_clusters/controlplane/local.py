"""A fleet of local control planes: some real API servers on one etcd, each with its own prefix.

A `Flavour` says which version they are, and whether real controllers stand beside them. For the
demo, for tests, and for people without a cluster. `local_fleet` is a fleet for as long as a block
lasts; `start_fleet` and `Fleet.stop` are the same for those who cannot hold a block open: a fixture
of a whole test session (no event loop is needed in between), or a command that returns and leaves
the fleet running (`is_detached`).
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from shoal.binaries import Progress, locate, silent
from shoal.errors import BinaryUnavailable
from shoal_clusters.controlplane.apiserver import (
    ADMIN,
    USERS,
    ControlPlane,
    prepare_control_plane,
)
from shoal_clusters.controlplane.controllers import CONTROLLER_USERS, Controllers
from shoal_clusters.controlplane.etcd import Etcd, start_etcd, write_etcd_certificates
from shoal_clusters.controlplane.kubeconfig import write_kubeconfig
from shoal_clusters.controlplane.ports import free_port
from shoal_clusters.controlplane.programs import ETCD, kubernetes_of

ETCD_FOLDER = ".etcd"  # beside the clusters' folders; no cluster's name begins with a dot


@dataclass(frozen=True, slots=True)
class Fleet:
    """Running control planes by name, in the order asked for, with their etcd."""

    folder: Path
    clusters: Mapping[str, ControlPlane]
    etcd: Etcd
    controllers: Mapping[str, Controllers]

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
                for controllers in self.controllers.values():
                    group.start_soon(controllers.kill)
                for cluster in self.clusters.values():
                    group.start_soon(cluster.kill)
                group.start_soon(self.etcd.stop)


@dataclass(frozen=True, slots=True)
class Flavour:
    """What control planes are like: a minor version of Kubernetes, and who has a token.

    `kubernetes` None is the newest, or what is installed here.
    """

    kubernetes: str | None = None
    has_controllers: bool = False
    users: Mapping[str, Sequence[str]] = field(default_factory=lambda: USERS)

    @property
    def all_users(self) -> Mapping[str, Sequence[str]]:
        """The users of these control planes, the controllers' own among them."""
        return {**self.users, **(CONTROLLER_USERS if self.has_controllers else {})}


PLAIN = Flavour()


@asynccontextmanager
async def local_fleet(
    folder: Path,
    names: Sequence[str],
    *,
    flavour: Flavour = PLAIN,
    progress: Progress = silent,
) -> AsyncIterator[Fleet]:
    """A fleet that ends with the block; its folder, which must not exist yet, is removed."""
    try:
        fleet = await start_fleet(folder, names, flavour=flavour, progress=progress)
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
    flavour: Flavour = PLAIN,
    progress: Progress = silent,
    is_detached: bool = False,
) -> Fleet:
    """Start one etcd and an API server per name, and wait until all are ready.

    Finding, downloading or building the programs is told to `progress`. Raises BinaryUnavailable,
    or ClusterUnreachable; then nothing is left running.
    """
    programs = await locate_programs(flavour, progress)
    await to_thread.run_sync(write_etcd_certificates, folder / ETCD_FOLDER)
    etcd = await start_etcd(programs.etcd, folder / ETCD_FOLDER, is_detached=is_detached)
    clusters: dict[str, ControlPlane] = {}
    controllers: dict[str, Controllers] = {}
    fleet = Fleet(folder, clusters, etcd, controllers)
    try:
        for name in names:
            planned = await _prepare(folder, name, flavour, programs, etcd)
            clusters[name] = replace(planned, is_detached=is_detached)
            if programs.controller_manager is not None:
                controllers[name] = Controllers(clusters[name], programs.controller_manager)
        await to_thread.run_sync(_write_fleet_kubeconfigs, fleet, flavour.all_users)
        await _start_all(fleet, flavour, progress)
    except BaseException:
        await fleet.stop()
        raise
    return fleet


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs of a fleet are."""

    etcd: Path
    apiserver: Path
    controller_manager: Path | None


async def locate_programs(flavour: Flavour, progress: Progress) -> Programs:
    """Find, download or build what a fleet of this flavour needs."""
    kubernetes = kubernetes_of(flavour.kubernetes)
    return Programs(
        etcd=await locate(ETCD, progress=progress),
        apiserver=await locate(kubernetes.apiserver, progress=progress),
        controller_manager=(
            await locate(kubernetes.controller_manager, progress=progress)
            if flavour.has_controllers
            else None
        ),
    )


async def _prepare(
    folder: Path, name: str, flavour: Flavour, programs: Programs, etcd: Etcd
) -> ControlPlane:
    server = f"https://127.0.0.1:{free_port()}"
    home = folder / name
    prepare = partial(
        prepare_control_plane, home, name=name, server=server, users=flavour.all_users
    )
    return ControlPlane(
        name=name,
        server=server,
        folder=home,
        program=programs.apiserver,
        etcd_server=etcd.server,
        etcd_folder=etcd.folder,
        accesses=await to_thread.run_sync(prepare),
        has_controllers=flavour.has_controllers,
    )


def _write_fleet_kubeconfigs(fleet: Fleet, users: Mapping[str, Sequence[str]]) -> None:
    for user in (ADMIN, *users):
        accesses = [cluster.access(user) for cluster in fleet.clusters.values()]
        write_kubeconfig(fleet.kubeconfig_for(user), accesses)


async def _start_all(fleet: Fleet, flavour: Flavour, progress: Progress) -> None:
    ready = 0

    async def start(cluster: ControlPlane) -> None:
        nonlocal ready
        await cluster.start()
        await _require_version(cluster, flavour.kubernetes)
        if cluster.name in fleet.controllers:
            await fleet.controllers[cluster.name].start()
        ready += 1
        progress(f"{cluster.name}: ready", ready / len(fleet.clusters))

    count = len(fleet.clusters)
    what = f"{count} API server{'s' * (count != 1)}"
    if fleet.controllers:
        what += f" and controller manager{'s' * (count != 1)}"
    progress(f"starting {what}", 0.0)
    try:
        async with anyio.create_task_group() as group:
            for cluster in fleet.clusters.values():
                group.start_soon(start, cluster)
    except* Exception as failures:
        raise _first(failures) from failures


async def _require_version(cluster: ControlPlane, kubernetes: str | None) -> None:
    """What KUBEBUILDER_ASSETS names is taken first, and may be another version."""
    if kubernetes is None:
        return
    async with cluster.client() as client:
        served = str((await client.get("/version"))["gitVersion"])
    if not served.startswith(f"v{kubernetes}."):
        raise BinaryUnavailable(
            f"{cluster.program} is kube-apiserver {served}, and {kubernetes} was asked for",
            next_step="unset KUBEBUILDER_ASSETS, or ask for no version",
        )


def _first(failures: BaseExceptionGroup[Exception]) -> Exception:
    """The first cause: the others are told to stop because of it."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
