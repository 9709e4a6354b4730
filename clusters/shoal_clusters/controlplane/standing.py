"""A fleet that stays when the command that started it has returned, until it is told to go.

Everything about it lies in one folder: a marker file that says the folder is ours (nothing else is
ever removed), the folders of its programs with their pid files, and the kubeconfigs. So it is found
again after a crash, too, and no daemon is needed. Used by the commands only; tests and the demo use
`local.local_fleet`, which ends with its block.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio
import orjson
from anyio import to_thread

from shoal.binaries import Progress
from shoal.errors import StateInUse
from shoal_clusters.controlplane import kind
from shoal_clusters.controlplane.controllers import LOG as CONTROLLERS_LOG
from shoal_clusters.controlplane.kubeconfig import Access, read_kubeconfig, write_kubeconfig
from shoal_clusters.controlplane.local import ETCD_FOLDER, Flavour, start_fleet
from shoal_clusters.controlplane.processes import Running, find_detached, start_program
from shoal_clusters.controlplane.workload_simulator import NODE_ONLY
from shoal_clusters.controlplane.workload_simulator import USER as SIMULATOR_USER

_MARKER = ".shoal-local-fleet"
_SIMULATOR_FOLDER = ".workload-simulator"


@dataclass(frozen=True, slots=True)
class StandingCluster:
    """One cluster of a standing fleet, as people see it."""

    name: str
    provider: str
    server: str
    is_running: bool
    pid: int | None
    kubeconfig: Path


@dataclass(frozen=True, slots=True)
class _Marker:
    provider: str
    names: Sequence[str]
    kubernetes: str | None = None
    has_controllers: bool = False


async def raise_fleet(
    folder: Path,
    names: Sequence[str],
    *,
    provider: str,
    flavour: Flavour,
    is_simulated: bool,
    progress: Progress,
) -> list[StandingCluster]:
    """Start a fleet in `folder` and leave it running; one that runs and is the same is kept.

    A fleet of which nothing runs is replaced. Raises StateInUse when the folder holds another one
    of which anything runs, because only `down` may remove that, or things that are not ours.
    """
    marker = _Marker(provider, list(names), flavour.kubernetes, flavour.has_controllers)
    found = await to_thread.run_sync(_read_marker, folder)
    standing = await list_clusters(folder)
    running, dead = await to_thread.run_sync(_survey, folder, standing, found)
    if running and not dead and found == marker:
        return standing
    if running:
        raise StateInUse(
            f"a fleet lives in {folder}; running: {', '.join(running)}"
            + (f"; dead: {', '.join(dead)}" if dead else ""),
            next_step=f"`shoal cluster local down --folder {folder}` ends it and removes its data;"
            " or name another folder",
        )
    if standing:
        progress("replacing a fleet of which nothing runs", None)
    await end_fleet(folder)
    if provider == "kind":
        await kind.require_engine()
    await to_thread.run_sync(_occupy, folder, marker)
    if provider == "kind":
        await kind.create_clusters(names, folder / "kubeconfig", progress=progress)
    else:
        await start_fleet(folder, names, flavour=flavour, progress=progress, is_detached=True)
        if is_simulated:
            await _start_simulator(folder, node_only=flavour.has_controllers)
    return await list_clusters(folder)


async def end_fleet(folder: Path) -> list[str]:
    """Stop all that runs in `folder` and remove it; the names of its clusters."""
    marker = await to_thread.run_sync(_read_marker, folder)
    if marker is None:
        return []
    if marker.provider == "kind":
        await kind.delete_clusters(marker.names)
    else:
        async with anyio.create_task_group() as group:
            for log in _logs(folder, marker.names):
                group.start_soon(_end, log)
    await to_thread.run_sync(shutil.rmtree, folder)
    return list(marker.names)


async def list_clusters(folder: Path) -> list[StandingCluster]:
    """The clusters of the fleet in `folder`, in their order; none when there is no fleet."""
    marker = await to_thread.run_sync(_read_marker, folder)
    if marker is None:
        return []
    running = await kind.list_clusters() if marker.provider == "kind" else frozenset[str]()

    def look() -> list[StandingCluster]:
        accesses = _accesses(folder)
        return [_look(folder, name, marker, accesses.get(name), running) for name in marker.names]

    return await to_thread.run_sync(look)


def _survey(
    folder: Path, standing: Sequence[StandingCluster], marker: _Marker | None
) -> tuple[list[str], list[str]]:
    """What runs of a fleet, and what does not but should: its clusters, and what they share.

    A dead simulator is not missed: a fleet may be without one, and none of its data is lost.
    """
    running = [cluster.name for cluster in standing if cluster.is_running]
    dead = [cluster.name for cluster in standing if not cluster.is_running]
    if marker is not None and marker.provider == "local":
        (running if find_detached(_etcd_log(folder)) else dead).append("etcd")
        if find_detached(_simulator_log(folder)):
            running.append("the workload simulator")
        for name in marker.names if marker.has_controllers else ():
            is_alive = find_detached(folder / name / CONTROLLERS_LOG) is not None
            (running if is_alive else dead).append(f"the controllers of {name}")
    return running, dead


def _look(
    folder: Path, name: str, marker: _Marker, access: Access | None, kind_clusters: frozenset[str]
) -> StandingCluster:
    process = find_detached(_server_log(folder, name))
    return StandingCluster(
        name=name,
        provider=marker.provider,
        server=access.server if access is not None else "",
        is_running=process is not None or name in kind_clusters,
        pid=process.pid if process is not None else None,
        kubeconfig=folder / "kubeconfig",
    )


def _accesses(folder: Path) -> dict[str, Access]:
    path = folder / "kubeconfig"
    return {one.cluster: one for one in read_kubeconfig(path)} if path.exists() else {}


async def _start_simulator(folder: Path, *, node_only: bool) -> Running:
    home = folder / _SIMULATOR_FOLDER
    kubeconfig = home / "kubeconfig"

    def write() -> None:
        home.mkdir(mode=0o700)
        write_kubeconfig(kubeconfig, read_kubeconfig(folder / f"kubeconfig-{SIMULATOR_USER}"))

    await to_thread.run_sync(write)
    return await start_program(
        [
            *(sys.executable, "-m", "shoal_clusters.controlplane.workload_simulator", kubeconfig),
            *((NODE_ONLY,) if node_only else ()),
        ],
        log=home / "simulator.log",
        is_detached=True,
    )


async def _end(log: Path) -> None:
    process = await to_thread.run_sync(find_detached, log)
    if process is not None:
        await process.end(grace_seconds=0)  # its data is about to be removed


def _logs(folder: Path, names: Sequence[str]) -> list[Path]:
    servers = [_server_log(folder, name) for name in names]
    controllers = [folder / name / CONTROLLERS_LOG for name in names]
    return [_simulator_log(folder), *controllers, *servers, _etcd_log(folder)]


def _server_log(folder: Path, name: str) -> Path:
    return folder / name / "apiserver.log"


def _etcd_log(folder: Path) -> Path:
    return folder / ETCD_FOLDER / "etcd.log"


def _simulator_log(folder: Path) -> Path:
    return folder / _SIMULATOR_FOLDER / "simulator.log"


def _occupy(folder: Path, marker: _Marker) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise StateInUse(
            f"{folder} holds files that are not of a local fleet",
            next_step="name an empty or a new folder with --folder",
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / _MARKER).write_bytes(orjson.dumps(asdict(marker)))


def _read_marker(folder: Path) -> _Marker | None:
    try:
        content = orjson.loads((folder / _MARKER).read_bytes())
    except FileNotFoundError:
        return None
    return _Marker(**content)
