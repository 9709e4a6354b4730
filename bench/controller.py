"""Shoal as what is measured: a fleet, its repository behind a real Git server, and `shoal run`.

Another controller takes its place by an adapter of the same shape: up with nothing to do, told of a
push, and asked which processes are its own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import Process

from bench.reading import family
from bench.workload import Repository, Size, application_names
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.demo.git_server import GitServer

USER = "shoal"
# The script that was installed beside this interpreter.
SHOAL = str(Path(sys.executable).with_name("shoal"))
SOURCE = "apps"
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Controller:
    """A running `shoal run`, connected to every cluster."""

    process: Process
    repository: Repository
    hook: str
    secret: str

    @property
    def pids(self) -> list[int]:
        """Its process and the helpers beside it."""
        return family(self.process.pid)

    async def announce(self) -> None:
        """Tell of a push, as a forge does."""
        await anyio.to_thread.run_sync(self._post)

    def _post(self) -> None:
        body = b"{}"
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-Hub-Signature-256": f"sha256={signature}",
            "X-GitHub-Delivery": secrets.token_hex(8),
        }
        request = urllib.request.Request(self.hook, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


@asynccontextmanager
async def running(
    folder: Path, fleet: str, clusters: Mapping[str, ControlPlane], size: Size
) -> AsyncIterator[Controller]:
    """Shoal over these clusters, with applications whose folders are still empty."""
    secret = secrets.token_hex(16)
    port = _free_port()
    repositories = folder / "repositories"
    async with GitServer(repositories) as server:
        repository = _create_repository(folder, repositories, server, size)
        _write_fleet(folder, fleet, clusters, size, server)
        _write_secret(folder / "secrets", secret)
        log = folder / "shoal.log"
        with log.open("wb") as output:
            process = await anyio.open_process(
                [
                    *(SHOAL, "run"),
                    *("--fleet", str(folder / "fleet"), "--state", str(folder / "state")),
                    *("--secrets", str(folder / "secrets")),
                    *("--webhook-listen", f"127.0.0.1:{port}"),
                ],
                stdin=None,
                stdout=output,
                stderr=output,
            )
        try:
            hook = f"http://127.0.0.1:{port}/hooks/default/{SOURCE}"
            await _until_connected(folder / "state", len(clusters), process, log)
            yield Controller(process, repository, hook, secret)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _create_repository(
    folder: Path, repositories: Path, server: GitServer, size: Size
) -> Repository:
    repository = Repository(folder / "work")
    repository.folder.mkdir()
    repository.git("init", "-q", "-b", "main")
    for name in application_names(size):
        (repository.folder / name).mkdir()
        (repository.folder / name / ".keep").touch()
    repository.commit("Make room")
    repository.git("clone", "-q", "--bare", ".", str(repositories / "apps.git"))
    repository.git("remote", "add", "origin", server.url("apps"))
    return repository


def _write_fleet(
    folder: Path,
    fleet: str,
    clusters: Mapping[str, ControlPlane],
    size: Size,
    server: GitServer,
) -> None:
    def document(kind: str, name: str, spec: object = None) -> str:
        head = {"apiVersion": "shoal.dev/v1alpha1", "kind": kind, "metadata": {"name": name}}
        return json.dumps(head if spec is None else head | {"spec": spec})

    git = {"git": {"url": server.url("apps"), "branch": "main"}, "interval": "1h"}
    texts = [document("Fleet", fleet), document("Source", SOURCE, git)]
    for cluster in clusters.values():
        path = str(cluster.folder / f"kubeconfig-{USER}")
        access = {"kubeconfig": {"path": path}}
        texts.append(document("Cluster", cluster.name, {"access": access}))
    for name in application_names(size):
        source = {"ref": SOURCE, "path": name}
        spec = {"source": source, "placement": {"clusterSelector": {}}}
        texts.append(document("Application", name, spec))
    (folder / "fleet").mkdir()
    (folder / "fleet" / "fleet.yaml").write_text("\n---\n".join(texts))


def _write_secret(folder: Path, secret: str) -> None:
    place = folder / "default" / f"webhook-{SOURCE}"
    place.mkdir(parents=True)
    (place / "token").write_text(secret)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def _until_connected(state: Path, clusters: int, process: Process, log: Path) -> None:
    """Wait until it answers, every cluster is connected and every application was looked at."""
    command = [SHOAL, "get", "targets", "--state", str(state)]
    with anyio.move_on_after(START_SECONDS):
        while process.returncode is None:
            done = await anyio.run_process([*command, "-o", "json"], check=False)
            items = json.loads(done.stdout)["items"] if done.returncode == 0 else []
            if items and all(item["phase"] == "Synced" for item in items):
                return
            await anyio.sleep(0.2)
    raise SystemExit(
        f"shoal run did not get ready; its log ends with\n{await anyio.Path(log).read_text()}"
    )
