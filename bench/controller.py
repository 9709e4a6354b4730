"""Shoal as what is measured: its documents, its process, and what it is asked and told.

The only module that knows Shoal (with `instrumented`, which it starts, and the renderer that
`rendering` measures). Another controller takes its place by an adapter of the same shape: start,
stop, be told of a push, say when it is settled, and which processes are its own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import signal
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process

from bench.reading import family
from bench.workload import Size, application_names
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.ports import free_port

USER = "shoal"
# The script that was installed beside this interpreter.
SHOAL = str(Path(sys.executable).with_name("shoal"))
VERSION_COMMAND = (SHOAL, "version")
# One event per correction, on its apply span: the seconds since the watch event arrived.
REACTION_EVENT = "correction departs"
REACTION_SECONDS = "shoal.drift.reaction_seconds"
SOURCE = "apps"
START_SECONDS = 90.0
_GRACE_SECONDS = 20.0
_POLL_SECONDS = 0.25


@dataclass(slots=True)
class Controller:
    """One `shoal run` with a folder of its own; started and stopped as often as is needed."""

    folder: Path
    fleet: str
    clusters: Mapping[str, ControlPlane]
    size: Size
    repository_url: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    # Given: the process runs under `bench.instrumented`, which writes what it saw there.
    record: Path | None = None
    is_profiled: bool = False
    process: Process | None = None
    _secret: str = field(default_factory=lambda: secrets.token_hex(16))
    _port: int = field(default_factory=free_port)
    _timeout_seconds: int = 30

    @property
    def pid(self) -> int:
        """The process itself."""
        assert self.process is not None
        return self.process.pid

    @property
    def pids(self) -> list[int]:
        """Its process and the helpers beside it."""
        return family(self.pid)

    @property
    def state(self) -> Path:
        """Where it keeps what must survive a restart."""
        return self.folder / "state"

    async def start(self) -> None:
        """Start it, and wait until every cluster is connected and nothing is left to do."""
        self.write_documents()
        place = self.folder / "secrets" / "default" / f"webhook-{SOURCE}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "token").write_text(self._secret)
        with (self.folder / "shoal.log").open("ab") as output:
            self.process = await anyio.open_process(
                self._command(),
                stdin=None,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment},
            )
        await self.settle()

    async def stop(self) -> None:
        """End it as a person would; what it was doing is finished or given up."""
        if self.process is None:
            return
        with anyio.CancelScope(shield=True):
            if self.process.returncode is None:
                self.process.send_signal(signal.SIGTERM)
            with anyio.move_on_after(_GRACE_SECONDS):
                await self.process.wait()
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()
        self.process = None

    async def announce(self) -> None:
        """Tell of a push, as a forge does."""
        await anyio.to_thread.run_sync(self._post)

    async def settle(self) -> None:
        """Wait until every application is synced on every cluster."""
        expected = len(self.clusters) * self.size.applications
        with anyio.move_on_after(START_SECONDS):
            while self.process is not None and self.process.returncode is None:
                items = await self._get("targets")
                if len(items) == expected and all(one["phase"] == "Synced" for one in items):
                    return
                await anyio.sleep(_POLL_SECONDS)
        log = (self.folder / "shoal.log").read_text(errors="replace")
        raise SystemExit(f"shoal run did not settle; its log ends with\n{log[-3000:]}")

    async def until_seen(self, revision: str) -> None:
        """Wait until it knows of a commit."""
        with anyio.fail_after(START_SECONDS):
            while True:
                if revision in [one["revision"] for one in await self._get("sources")]:
                    return
                await anyio.sleep(_POLL_SECONDS)

    async def approve_all(self) -> None:
        """Release whatever waits for a person."""
        for hold in await self._get("holds"):
            arguments = (hold["id"], "--reason", "bench", "--state", str(self.state))
            await anyio.run_process([SHOAL, "approve", *arguments], check=False)

    def check_everything(self) -> None:
        """Force a full check: a changed Cluster document is a new connection, which lists all."""
        self._timeout_seconds += 1
        self.write_documents()

    def forget(self) -> None:
        """Lose the database, and keep everything else."""
        for file in self.state.glob("shoal.db*"):
            file.unlink()

    def write_documents(self) -> None:
        """Write the fleet's documents for the clusters and applications of now."""
        texts = [_document("Fleet", self.fleet), self._source()]
        for cluster in self.clusters.values():
            path = str(cluster.folder / f"kubeconfig-{USER}")
            limits = {"timeout": f"{self._timeout_seconds}s"}
            spec = {"access": {"kubeconfig": {"path": path}}, "limits": limits}
            texts.append(_document("Cluster", cluster.name, spec))
        texts += [_application(name) for name in application_names(self.size)]
        place = self.folder / "fleet"
        place.mkdir(exist_ok=True)
        scratch = self.folder / "fleet.yaml.new"
        scratch.write_text("\n---\n".join(texts))
        scratch.rename(place / "fleet.yaml")

    def _source(self) -> str:
        git = {"git": {"url": self.repository_url, "branch": "main"}, "interval": "1h"}
        return _document("Source", SOURCE, git)

    def _command(self) -> Sequence[str]:
        given = ("--fleet", str(self.folder / "fleet"), "--state", str(self.state))
        given += ("--secrets", str(self.folder / "secrets"))
        if self.record is None:
            return (SHOAL, "run", *given, "--webhook-listen", f"127.0.0.1:{self._port}")
        instrumented = (sys.executable, "-m", "bench.instrumented")
        given += ("--port", str(self._port), "--record", str(self.record))
        return (*instrumented, *given, *(("--profile",) if self.is_profiled else ()))

    async def _get(self, kind: str) -> list[dict[str, Any]]:
        command = [SHOAL, "get", kind, "--state", str(self.state), "-o", "json"]
        done = await anyio.run_process(command, check=False)
        return json.loads(done.stdout)["items"] if done.returncode == 0 else []

    def _post(self) -> None:
        # No two are alike: the same body again is taken for a replay.
        body = json.dumps({"after": secrets.token_hex(20)}).encode()
        signature = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-Hub-Signature-256": f"sha256={signature}",
            "X-GitHub-Delivery": secrets.token_hex(8),
        }
        hook = f"http://127.0.0.1:{self._port}/hooks/default/{SOURCE}"
        request = urllib.request.Request(hook, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


def _document(kind: str, name: str, spec: object = None) -> str:
    head = {"apiVersion": "shoal.dev/v1alpha1", "kind": kind, "metadata": {"name": name}}
    return json.dumps(head if spec is None else head | {"spec": spec})


def _application(name: str) -> str:
    source = {"ref": SOURCE, "path": name}
    # Nothing here ever becomes healthy: there are no kubelets.
    sync = {"prune": "AfterApply"}
    spec = {"source": source, "placement": {"clusterSelector": {}}, "sync": sync}
    return _document("Application", name, spec)
