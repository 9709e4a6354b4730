"""What every row stands on: the API servers, and a controller with its repository.

A `Scene` is the servers, a scratch folder and who is measured; `living` is a controller over them,
with a real Git server and namespaces of its own, so that no row sees another's objects.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from bench.adapters import Adapter, Assignment, Offer, addresses
from bench.forms import Form
from bench.reading import Request, Tail
from bench.workload import Body, Repository, Size, application_names, objects_of
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.local import Fleet
from shoal_clusters.demo.git_server import GitServer

FLOOR_USER = "floor"
STRANGER = "stranger"
IN_FLIGHT = 16
DEADLINE_SECONDS = 120.0
_QUIET_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Running API servers, a folder for what rows write, and what is measured at which size."""

    fleet: Fleet
    folder: Path
    size: Size
    adapter: type[Adapter]

    @property
    def clusters(self) -> Mapping[str, ControlPlane]:
        """The API servers by name."""
        return self.fleet.clusters

    @property
    def server_pids(self) -> list[int]:
        """The API servers and their etcd."""
        running = [cluster.pid for cluster in self.clusters.values()]
        return [pid for pid in (*running, self.fleet.etcd.process.pid) if pid is not None]

    @property
    def user(self) -> str:
        """Who the measured controller is in the audit logs."""
        return self.adapter.user

    def offers(self, offer: Offer) -> bool:
        """Whether the measured controller can do this."""
        return offer in self.adapter.offers

    def tail(self) -> Tail:
        """What the API servers are asked from now on."""
        return Tail({name: cluster.audit_log for name, cluster in self.clusters.items()})

    async def make_namespaces(self, prefix: str, count: int) -> None:
        """One namespace per application on every cluster."""
        for cluster in self.clusters.values():
            async with cluster.client() as client:
                for index in range(count):
                    metadata = {"name": f"{prefix}-app-{index:03}"}
                    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
                    await client.create("/api/v1/namespaces", body)

    async def floor_order(self, bodies: Sequence[Body]) -> Path:
        """What a bare client reads: which objects, and how to reach the clusters as its user."""
        order = {
            "in_flight": IN_FLIGHT,
            "bodies": bodies,
            "clusters": addresses(self.clusters, FLOOR_USER),
        }
        file = self.folder / "floor.json"
        await anyio.Path(file).write_text(json.dumps(order))
        return file

    async def apply_bare(self, bodies: Sequence[Body]) -> dict[str, float]:
        """The floor: the bare client applies these objects everywhere; its wall and CPU."""
        file = await self.floor_order(bodies)
        command = [sys.executable, "-m", "bench.floor", "apply", str(file)]
        done = await anyio.run_process(command, stderr=None)
        spent: dict[str, float] = json.loads(done.stdout)
        return spent


@dataclass(slots=True)
class Living:
    """A controller, its repository, and where the objects of its applications live."""

    scene: Scene
    controller: Adapter
    repository: Repository
    repository_url: str
    prefix: str
    size: Size
    kinds: int = 4
    form: Form = Form.PLAIN

    def bodies(self, application: int, *, version: int = 1, prefix: str = "") -> list[Body]:
        """The objects of one application, here or (for the floor) below another prefix."""
        namespace = f"{prefix or self.prefix}-app-{application:03}"
        return objects_of(namespace, self.size.objects, version=version, kinds=self.kinds)

    def fill(self, applications: range, *, version: int = 1) -> None:
        """Write applications into the work tree."""
        for index in applications:
            name = application_names(self.size)[index]
            self.repository.write(name, self.bodies(index, version=version), self.form)

    async def push(self, message: str) -> datetime:
        """Commit and push what was written, and tell of it; when the push had ended."""

        def commit_and_push() -> None:
            self.repository.commit(message)
            self.repository.git("push", "-q", "origin", "main")

        await anyio.to_thread.run_sync(commit_and_push)
        pushed = datetime.now(UTC)
        await self.controller.announce()
        return pushed

    async def until(
        self, tail: Tail, is_reached: Callable[[list[Request]], bool], *, poll_seconds: float = 0.1
    ) -> list[Request]:
        """Wait until the controller's requests say so; all of them."""
        with anyio.fail_after(DEADLINE_SECONDS):
            while True:
                requests = await anyio.to_thread.run_sync(tail.read, self.scene.user)
                if is_reached(requests):
                    return requests
                await anyio.sleep(poll_seconds)

    async def until_quiet(self, tail: Tail) -> list[Request]:
        """Wait until nothing was asked for two seconds; probes aside."""
        before = -1
        with anyio.fail_after(DEADLINE_SECONDS):
            while True:
                requests = [one for one in tail.read(self.scene.user) if one.sort != "probe"]
                if len(requests) == before:
                    return tail.read(self.scene.user)
                before = len(requests)
                await anyio.sleep(_QUIET_SECONDS)


def written(requests: Sequence[Request]) -> set[tuple[str, str, str, str]]:
    """Which objects were written."""
    return {request.object for request in requests if request.has_written}


@asynccontextmanager
async def living(
    scene: Scene,
    name: str,
    *,
    size: Size | None = None,
    kinds: int = 4,
    form: Form = Form.PLAIN,
    filled: int | None = None,
    **options: Any,
) -> AsyncIterator[Living]:
    """A controller that is settled, with the first `filled` applications (all when left out).

    `options` are fields of its `Assignment`.
    """
    size = size or scene.size
    folder = scene.folder / name
    repositories = folder / "repositories"
    await anyio.Path(repositories).mkdir(parents=True)
    await scene.make_namespaces(name, size.applications)
    clusters = options.pop("clusters", scene.clusters)
    async with GitServer(repositories) as server:
        repository = await anyio.to_thread.run_sync(
            _create_repository, folder, repositories, server.url("apps"), size
        )
        url = server.url("apps")
        controller = scene.adapter(Assignment(folder, clusters, size, url, **options))
        it = Living(scene, controller, repository, url, name, size, kinds, form)
        it.fill(range(size.applications if filled is None else filled))
        await anyio.to_thread.run_sync(repository.commit, "Fill")
        await anyio.to_thread.run_sync(repository.git, "push", "-q", "origin", "main")
        try:
            await controller.start()
            yield it
        finally:
            await controller.stop()


def _create_repository(folder: Path, repositories: Path, url: str, size: Size) -> Repository:
    repository = Repository(folder / "work")
    repository.folder.mkdir()
    repository.git("init", "-q", "-b", "main")
    for name in application_names(size):
        (repository.folder / name).mkdir()
        (repository.folder / name / ".keep").touch()
    repository.commit("Make room")
    repository.git("clone", "-q", "--bare", ".", str(repositories / "apps.git"))
    repository.git("remote", "add", "origin", url)
    return repository
