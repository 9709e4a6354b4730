"""Sets the stage: clusters, workload simulator, Git server, sample fleet, `shoal run` as a child.

Everything lies in one temporary folder and belongs to one block: when it ends, for whatever reason,
all that was started is ended and the folder is removed.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
from anyio import to_thread

from shoal.binaries import Progress
from shoal.errors import NotRunning
from shoal_clusters.controlplane.apiserver import MASTERS, USERS, ControlPlane
from shoal_clusters.controlplane.local import Flavour, Fleet, local_fleet
from shoal_clusters.controlplane.ports import free_port
from shoal_clusters.controlplane.processes import Running, start_program
from shoal_clusters.controlplane.waiting import wait_until
from shoal_clusters.controlplane.workload_simulator import simulated_workloads
from shoal_clusters.demo.announcing import Webhook
from shoal_clusters.demo.asking import Shoal, find_program
from shoal_clusters.demo.fleet import SOURCE, fleet_files
from shoal_clusters.demo.git_server import GitServer
from shoal_clusters.demo.repository import WorkingCopy, create_bare

PID_FILE = "shoal-run.pid"
VISITOR = "visitor"  # the person before the screen, who is neither Shoal nor the administrator
_USER = "shoal"
_USERS = {**USERS, VISITOR: (MASTERS,)}
_FIRST_ANSWER_SECONDS = 120.0  # the first start after an install compiles every module
_GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs, and where."""

    folder: Path
    fleet: Fleet
    working_copy: WorkingCopy
    controller: Running
    shoal: Shoal

    @property
    def clusters(self) -> Mapping[str, ControlPlane]:
        """The clusters by name."""
        return self.fleet.clusters

    async def controller_ended(self) -> NotRunning:
        """Wait until `shoal run` has ended, which it never should; the error that says so."""

        async def has_ended() -> bool:
            return not self.controller.is_alive()

        await wait_until(has_ended, seconds=float("inf"))
        return NotRunning(
            f"`shoal run` has ended; its log ends with:\n{await self.controller.last_lines()}"
        )


@asynccontextmanager
async def set_stage(
    names: Sequence[str], *, flavour: Flavour, progress: Progress
) -> AsyncIterator[Stage]:
    """A stage for as long as the block lasts. Raises ShoalError when a part cannot be started.

    The clusters have the users that the demo needs, whatever `flavour` says of those.
    """
    flavour = replace(flavour, users=_USERS)
    async with _temporary_folder() as folder:
        shoal = Shoal(folder / "state", find_program())
        await shoal.prepare(progress)
        async with (
            local_fleet(folder / "clusters", names, flavour=flavour, progress=progress) as fleet,
            simulated_workloads(fleet.clusters.values()),
            GitServer(folder / "git") as server,
        ):
            progress("writing the sample fleet", None)
            working_copy = await _begin_fleet(folder, fleet, server.url("fleet"))
            progress("starting shoal", None)
            async with _controller(folder, shoal, server) as controller:
                stage = Stage(folder, fleet, working_copy, controller, shoal)
                await _wait_for_answer(stage)
                yield stage


@asynccontextmanager
async def _temporary_folder() -> AsyncIterator[Path]:
    folder = Path(await to_thread.run_sync(lambda: tempfile.mkdtemp(prefix="shoal-demo-")))
    try:
        yield folder
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))


async def _begin_fleet(folder: Path, fleet: Fleet, url: str) -> WorkingCopy:
    await to_thread.run_sync((folder / "git").mkdir)
    await create_bare(folder / "git" / "fleet.git")
    kubeconfigs = {
        name: cluster.folder / f"kubeconfig-{_USER}" for name, cluster in fleet.clusters.items()
    }
    files = await to_thread.run_sync(fleet_files, url, kubeconfigs)
    working_copy = WorkingCopy(folder / "work", url)
    await working_copy.begin(files, "Begin with three applications")
    return working_copy


@asynccontextmanager
async def _controller(folder: Path, shoal: Shoal, server: GitServer) -> AsyncIterator[Running]:
    """`shoal run`, and a Git server that tells it of pushes, while the block lasts."""
    token = secrets.token_hex(16)
    address = f"127.0.0.1:{free_port()}"
    await to_thread.run_sync(_write_token, folder / "secrets", token)
    command: list[str | Path] = [
        shoal.program,
        *("run", "--fleet", server.url("fleet"), "--state", shoal.state),
        *("--secrets", folder / "secrets", "--webhook-listen", address),
    ]
    running = await start_program(command, log=folder / "shoal-run.log", is_detached=False)
    try:
        await to_thread.run_sync((folder / PID_FILE).write_text, str(running.pid))
        webhook = Webhook(f"http://{address}/hooks/default/{SOURCE}", token.encode())
        server.on_push = webhook.announce
        yield running
    finally:
        server.on_push = None
        with anyio.CancelScope(shield=True):
            await running.end(grace_seconds=_GRACE_SECONDS)


def _write_token(folder: Path, token: str) -> None:
    secret = folder / "default" / f"webhook-{SOURCE}"
    secret.mkdir(parents=True, mode=0o700)
    (secret / "token").write_text(token)


async def _wait_for_answer(stage: Stage) -> None:
    async def has_ended_or_answers() -> bool:
        if not stage.controller.is_alive():
            return True
        try:
            await stage.shoal.ask("get", "clusters")
        except (NotRunning, TimeoutError):
            return False
        return True

    if not await wait_until(has_ended_or_answers, seconds=_FIRST_ANSWER_SECONDS):
        raise NotRunning(f"`shoal run` does not answer within {_FIRST_ANSWER_SECONDS:.0f} seconds")
    if not stage.controller.is_alive():
        raise await stage.controller_ended()
