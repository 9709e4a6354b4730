"""Shoal as what is measured: its documents, its process, and what it is asked and told.

The only module that knows Shoal, with `instrumented`, which it starts, and the renderer that
`rendering` measures. It offers everything that `adapters` names.
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
from pathlib import Path
from typing import Any, ClassVar

import anyio
from anyio.abc import Process

from bench.adapters import Adapter, Assignment, Offer
from bench.reading import family
from bench.traces import Collector
from bench.workload import application_names
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.ports import free_port

# The script that was installed beside this interpreter.
SHOAL = str(Path(sys.executable).with_name("shoal"))
# One event per correction, on its apply span: the seconds since the watch event arrived.
REACTION_EVENT = "correction departs"
REACTION_SECONDS = "shoal.drift.reaction_seconds"
SOURCE = "apps"
START_SECONDS = 90.0
_GRACE_SECONDS = 20.0
_POLL_SECONDS = 0.25


class Controller(Adapter):
    """One `shoal run` with a folder of its own; started and stopped as often as is needed.

    Where a record is wanted it runs under `bench.instrumented`, which writes it.
    """

    user: ClassVar[str] = "shoal"
    offers: ClassVar[frozenset[Offer]] = frozenset(Offer)

    def __init__(self, assignment: Assignment) -> None:
        self._given = assignment
        self._clusters = assignment.clusters
        self._state = assignment.folder / "state"
        self._process: Process | None = None
        self._secret = secrets.token_hex(16)
        self._port = free_port()
        self._timeout_seconds = 30

    @property
    def pids(self) -> Sequence[int]:
        """Its process and the helpers beside it."""
        assert self._process is not None
        return family(self._process.pid)

    async def start(self) -> None:
        """Start it, and wait until every cluster is connected and nothing is left to do."""
        self._write_documents()
        place = self._given.folder / "secrets" / "default" / f"webhook-{SOURCE}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "token").write_text(self._secret)
        with (self._given.folder / "shoal.log").open("ab") as output:
            self._process = await anyio.open_process(
                self._command(),
                stdin=None,
                stdout=output,
                stderr=output,
                env={**os.environ, **self._given.environment},
            )
        await self._settle()

    async def stop(self) -> None:
        """End it as a person would; what it was doing is finished or given up."""
        if self._process is None:
            return
        with anyio.CancelScope(shield=True):
            if self._process.returncode is None:
                self._process.send_signal(signal.SIGTERM)
            with anyio.move_on_after(_GRACE_SECONDS):
                await self._process.wait()
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
        self._process = None

    async def announce(self) -> None:
        """Tell of a push, as a forge does."""
        await anyio.to_thread.run_sync(self._post)

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
            arguments = (hold["id"], "--reason", "bench", "--state", str(self._state))
            await anyio.run_process([SHOAL, "approve", *arguments], check=False)

    def check_everything(self) -> None:
        """Force a full check: a changed Cluster document is a new connection, which lists all."""
        self._timeout_seconds += 1
        self._write_documents()

    def forget(self) -> None:
        """Lose the database, and keep everything else."""
        for file in self._state.glob("shoal.db*"):
            file.unlink()

    async def join(self, clusters: Mapping[str, ControlPlane]) -> None:
        """A Cluster document that is new is all that it takes."""
        self._clusters = clusters
        self._write_documents()
        await self._settle()

    def reactions(self, traces: Collector) -> list[float]:
        """The event on the `apply` span of each correction."""
        return traces.event_values(REACTION_EVENT, REACTION_SECONDS)

    @classmethod
    def version_command(cls) -> Sequence[str]:
        """What the installed script says of itself."""
        return (SHOAL, "version")

    async def _settle(self) -> None:
        """Wait until every application is synced on every cluster."""
        expected = len(self._clusters) * self._given.size.applications
        with anyio.move_on_after(START_SECONDS):
            while self._process is not None and self._process.returncode is None:
                items = await self._get("targets")
                if len(items) == expected and all(one["phase"] == "Synced" for one in items):
                    return
                await anyio.sleep(_POLL_SECONDS)
        log = (self._given.folder / "shoal.log").read_text(errors="replace")
        raise SystemExit(f"shoal run did not settle; its log ends with\n{log[-3000:]}")

    def _write_documents(self) -> None:
        """Write the fleet's documents for the clusters and applications of now."""
        texts = [_document("Fleet", f"bench-{self._given.folder.name}"), self._source()]
        for cluster in self._clusters.values():
            path = str(cluster.folder / f"kubeconfig-{self.user}")
            limits = {"timeout": f"{self._timeout_seconds}s"}
            spec = {"access": {"kubeconfig": {"path": path}}, "limits": limits}
            texts.append(_document("Cluster", cluster.name, spec))
        texts += [_application(name) for name in application_names(self._given.size)]
        place = self._given.folder / "fleet"
        place.mkdir(exist_ok=True)
        scratch = self._given.folder / "fleet.yaml.new"
        scratch.write_text("\n---\n".join(texts))
        scratch.rename(place / "fleet.yaml")

    def _source(self) -> str:
        git = {"git": {"url": self._given.repository_url, "branch": "main"}, "interval": "1h"}
        return _document("Source", SOURCE, git)

    def _command(self) -> Sequence[str]:
        given = ("--fleet", str(self._given.folder / "fleet"), "--state", str(self._state))
        given += ("--secrets", str(self._given.folder / "secrets"))
        if self._given.record is None:
            return (SHOAL, "run", *given, "--webhook-listen", f"127.0.0.1:{self._port}")
        instrumented = (sys.executable, "-m", "bench.instrumented")
        given += ("--port", str(self._port), "--record", str(self._given.record))
        return (*instrumented, *given, *(("--profile",) if self._given.is_profiled else ()))

    async def _get(self, kind: str) -> list[dict[str, Any]]:
        command = [SHOAL, "get", kind, "--state", str(self._state), "-o", "json"]
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
