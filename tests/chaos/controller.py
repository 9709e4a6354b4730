"""`shoal run` as a child process, and the person on duty beside it.

The child is killed, stopped and started again; its log goes on in one file. The person on duty
looks at what waits now and then and approves it, as somebody would who knows that chaos is meant;
what no chaos of this sort may bring about is kept for the judge instead.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from anyio import to_thread

from shoal.api.client import Client
from shoal.errors import ShoalError
from shoal_clusters.controlplane.processes import Running, start_program

FLEET = "chaos"
SOURCE = "apps"
# The script that was installed beside this interpreter.
_SHOAL = Path(sys.executable).with_name("shoal")
_ASK_SECONDS = 3.0
_STOP_SECONDS = 20.0
_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def document(kind: str, name: str, spec: object = None) -> str:
    """One of Shoal's documents; JSON is YAML."""
    head = {"apiVersion": "shoal.dev/v1alpha1", "kind": kind, "metadata": {"name": name}}
    return json.dumps(head if spec is None else head | {"spec": spec})


@dataclass(slots=True)
class Child:
    """One controller; `starts` counts how often it was started."""

    folder: Path
    starts: int = 0
    _process: Running | None = field(default=None)

    @property
    def state(self) -> Path:
        """Its state folder."""
        return self.folder / "state"

    @property
    def fleet(self) -> Path:
        """The folder of its documents."""
        return self.folder / "fleet"

    @property
    def log(self) -> Path:
        """What it said, over all starts."""
        return self.folder / "shoal.log"

    @property
    def database(self) -> Path:
        """Its ledger and state."""
        return self.state / "shoal.db"

    def write_documents(
        self, url: str, kubeconfigs: Iterable[tuple[str, Path]], applications: Sequence[str]
    ) -> None:
        """The fleet: a Source, a Cluster per kubeconfig, an Application per name."""
        git = {"git": {"url": url, "branch": "main"}, "interval": "3s"}
        texts = [document("Fleet", FLEET), document("Source", SOURCE, git)]
        for name, path in kubeconfigs:
            spec = {"access": {"kubeconfig": {"path": str(path)}}, "limits": {"timeout": "10s"}}
            texts.append(document("Cluster", name, spec))
        for name in applications:
            source = {"ref": SOURCE, "path": name}
            # There are no kubelets: nothing here ever becomes healthy.
            sync = {"prune": "AfterApply"}
            spec = {"source": source, "placement": {"clusterSelector": {}}, "sync": sync}
            texts.append(document("Application", name, spec))
        self.fleet.mkdir(parents=True)
        (self.fleet / "fleet.yaml").write_text("\n---\n".join(texts))

    async def start(self) -> None:
        """Start it; it is not waited for."""
        self.starts += 1
        command = [_SHOAL, "run", "--fleet", self.fleet, "--state", self.state]
        self._process = await start_program(
            [*command, "--log-format", "json"], log=self.log, is_detached=False
        )

    def is_alive(self) -> bool:
        """Whether its process exists."""
        return self._process is not None and self._process.is_alive()

    async def kill(self) -> None:
        """SIGKILL, at whatever instruction it is."""
        await self._running.end(grace_seconds=0)

    async def stop(self) -> None:
        """End it as an operator would."""
        if self._process is not None:
            await self._process.end(grace_seconds=_STOP_SECONDS)

    def pause(self) -> None:
        """SIGSTOP."""
        self._running.send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._running.send(signal.SIGCONT)

    def fill_disk(self) -> None:
        """Let no file of this process grow beyond the largest: what a full disk does to it."""
        files = [self.log, *self.state.glob("shoal.db*")]
        largest = max(file.stat().st_size for file in files)
        self._limit((largest, resource.RLIM_INFINITY))

    def free_disk(self) -> None:
        """Let files grow again."""
        self._limit(_UNLIMITED)

    def _limit(self, limits: tuple[int, int]) -> None:
        if self.is_alive():
            resource.prlimit(self._running.pid, resource.RLIMIT_FSIZE, limits)

    @property
    def _running(self) -> Running:
        assert self._process is not None, "the controller was never started"
        return self._process


_EXPECTED = frozenset({"PruneBudget", "Conflict", "ShrunkRender", "Orphaned"})


@dataclass(slots=True)
class OnDuty:
    """Approves what waits; `refused` are holds that nobody on duty should ever see."""

    child: Child
    approved: int = 0
    refused: list[str] = field(default_factory=list[str])

    async def look(self) -> None:
        """One round; a controller that does not answer is asked another time."""
        await to_thread.run_sync(self._look, abandon_on_cancel=True)

    def _look(self) -> None:
        try:
            with Client(self.child.state, timeout_seconds=_ASK_SECONDS) as client:
                for hold in client.items("holds"):
                    self._decide(client, hold)
        except (ShoalError, TimeoutError, OSError):
            return

    def _decide(self, client: Client, hold: dict[str, Any]) -> None:
        if hold["cause"] not in _EXPECTED:
            self.refused.append(f"{datetime.now(UTC):%H:%M:%S} {hold['subject']}: {hold['reason']}")
            return
        client.post("holds", hold["id"], "approve", body={"reason": "chaos is meant"})
        self.approved += 1
