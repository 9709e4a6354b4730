"""A whole fleet: a folder of documents, a Git repository, a controller, real clusters."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import anyio
import orjson

from shoal.composition.configuring import Configured
from shoal.composition.engine import open_engine
from shoal.composition.hosting import thread_runner
from shoal.composition.loading import Plugins
from shoal.composition.reloading import LiveConfiguration
from shoal.composition.secret_files import SecretFolder
from shoal.composition.serving import Foundation
from shoal.composition.settings import Settings
from shoal.engine.controller import Controller
from shoal.engine.views.applications import ApplicationView, TargetPhase, TargetView
from shoal.hooks.host import Pod
from shoal.model.identity import Ref
from shoal.model.records import Deed, Entry
from shoal.planning.circuits import TIMING, Timing
from shoal_clusters.controlplane import audit
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client
from shoal_clusters.kubernetes.plurals import plural

T = TypeVar("T")
DEADLINE_SECONDS = 45.0
SOURCE = Ref("default", "apps")
PLUGINS = ("access", "cel", "git", "kubernetes", "notifying", "rendering")


def document(kind: str, name: str, spec: Mapping[str, Any] | None = None, **metadata: Any) -> str:
    """One of Shoal's documents as text; JSON is YAML."""
    body: dict[str, Any] = {"apiVersion": "shoal.dev/v1alpha1", "kind": kind}
    body["metadata"] = {"name": name, **metadata}
    if spec is not None:
        body["spec"] = spec
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def config_map(name: str, namespace: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(name: str, namespace: str, *, image: str = "shop:1", replicas: int = 1) -> Any:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    }


def job(name: str, namespace: str) -> Any:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "tool:1"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": pod}},
    }


def path_of(manifest: Mapping[str, Any]) -> str:
    """Where the API server keeps the object of a manifest."""
    group, metadata = manifest["apiVersion"], manifest["metadata"]
    root = f"/apis/{group}" if "/" in group else f"/api/{group}"
    inside = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{inside}/{plural(manifest['kind'])}/{metadata['name']}"


async def eventually(look: Callable[[], Awaitable[T]], what: str) -> T:
    """Look again and again until there is something true to see; says what was waited for."""
    seen: T | None = None
    with anyio.move_on_after(DEADLINE_SECONDS):
        while True:
            seen = await look()
            if seen:
                return seen
            await anyio.sleep(0.02)
    raise AssertionError(f"not seen in {DEADLINE_SECONDS:g} s: {what}; last: {seen}")


async def until_data(admin: Client, manifest: Any, data: Mapping[str, str]) -> None:
    """Wait until a ConfigMap holds exactly this."""

    async def look() -> bool:
        live = await admin.find(path_of(manifest))
        return live is not None and live["data"] == data

    await eventually(look, f"{path_of(manifest)} with {data}")


async def complete(admin: Client, manifest: Any) -> None:
    """Finish a Job as its controller would."""
    now = "2026-01-02T03:04:05Z"
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now}
        for kind in ("SuccessCriteriaMet", "Complete")
    ]
    status = {"startTime": now, "completionTime": now, "succeeded": 1, "conditions": conditions}
    await admin.patch(f"{path_of(manifest)}/status", {"status": status})


@dataclass
class Writes:
    """The writes that Shoal sent to one cluster since this was made, by the audit log."""

    log: Path
    namespace: str
    start: int

    @classmethod
    async def since_now(cls, cluster: ControlPlane, namespace: str) -> Writes:
        return cls(cluster.audit_log, namespace, await audit.audit_position(cluster.audit_log))

    async def seen(self) -> list[audit.Entry]:
        """So far, without dry runs; an entry is written a moment after its answer was sent."""
        return [each for each in await self.sent() if "dryRun=All" not in each.path]

    async def sent(self) -> list[audit.Entry]:
        """As `seen`, with what was only tried out."""
        entries = await audit.read_audit_log(self.log, since=self.start)
        reading = ("get", "list", "watch")
        return [
            each
            for each in entries
            if (each.user, each.namespace) == ("shoal", self.namespace) and each.verb not in reading
        ]

    async def at_least(self, count: int) -> list[audit.Entry]:
        """As `seen`, once there are so many."""

        async def look() -> list[audit.Entry] | None:
            entries = await self.seen()
            return entries if len(entries) >= count else None

        found = await eventually(look, f"{count} writes in {self.namespace}")
        assert found is not None
        return found


@dataclass
class Repository:
    """A Git repository that people commit to."""

    folder: Path

    def git(self, *arguments: str) -> str:
        environment = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_AUTHOR_NAME": "Ana",
            "GIT_AUTHOR_EMAIL": "ana@example.org",
            "GIT_COMMITTER_NAME": "Ana",
            "GIT_COMMITTER_EMAIL": "ana@example.org",
        }
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        )
        return done.stdout.strip()

    def write(self, path: str, *manifests: Any) -> None:
        """One file with these manifests; text is written as it is."""
        texts = [
            each if isinstance(each, str) else orjson.dumps(each).decode() for each in manifests
        ]
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n---\n".join(texts))

    def commit_shop(self, *manifests: Any) -> str:
        """Commit these as all that application `shop` has; the new revision."""
        self.write("shop/all.yaml", *manifests)
        return self.commit("Change the shop")

    def commit(self, message: str) -> str:
        """Commit all of the work tree; the new revision."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@dataclass
class FleetUnderTest:
    """The documents, the repository and, while `running`, the controller."""

    folder: Path
    name: str
    clusters: Mapping[str, ControlPlane]
    plugins: Plugins
    repository: Repository
    timing: Timing = TIMING
    pod: Pod | None = None
    _controller: Controller | None = field(default=None, repr=False)
    _last_seen: Sequence[TargetView] = ()

    @property
    def documents(self) -> Path:
        return self.folder / "fleet"

    @property
    def controller(self) -> Controller:
        assert self._controller is not None, "the controller is not running"
        return self._controller

    @property
    def is_running(self) -> bool:
        return self._controller is not None

    def write(self, file: str, *documents: str) -> None:
        """Write a file of documents, as if it had been there for a while: it counts as settled."""
        path = self.documents / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n---\n".join(documents))
        self._age(path)

    def remove(self, file: str) -> None:
        """Remove a file of documents, as if that had been a while ago."""
        path = self.documents / file
        path.unlink()
        self._age(path.parent)

    def _age(self, path: Path) -> None:
        # A number of its own for each write, so that the same size never hides a change.
        moment = time.time_ns() - 10_000_000_000
        os.utime(path, ns=(moment, moment))
        if path != self.documents:
            self._age(path.parent)

    def declare_cluster(self, cluster: ControlPlane, **labels: str) -> None:
        access = {"kubeconfig": {"path": str(cluster.folder / "kubeconfig-shoal")}}
        labels = {"env": cluster.name, **labels}
        text = document("Cluster", cluster.name, {"access": access}, labels=labels)
        self.write(f"cluster-{cluster.name}.yaml", text)

    def declare_application(self, name: str, path: str | None = None, **spec: Any) -> None:
        body = {
            "source": {"ref": SOURCE.name, "path": path or name},
            "placement": {"clusterSelector": {}},
            **spec,
        }
        self.write(f"application-{name}.yaml", document("Application", name, body))

    def declare_source(self, name: str, **git: Any) -> None:
        spec = {"git": git, "interval": "1h"}
        self.write(f"source-{name}.yaml", document("Source", name, spec))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Controller]:
        """The controller in this very process, as `shoal run` would have it."""
        settings = Settings(fleet=str(self.documents), state=self.folder / "state")
        configuration = LiveConfiguration(Configured.by_default(settings))
        run_in_thread = thread_runner()
        secrets_reader = SecretFolder(self.folder / "secrets", run_in_thread)
        foundation = Foundation(
            configuration,
            self.plugins,
            secrets_reader,
            run_in_thread,
            self.timing,
            pod=self.pod,
        )
        async with open_engine(foundation) as controller:
            self._controller = controller
            yield controller
            self._last_seen = self.controller.targets()
        self._controller = None

    async def reload(self) -> None:
        """Let the documents be read at once; the controller looks every second by itself."""
        await self.controller.refresh(SOURCE, who="test")

    def application(self, name: str) -> ApplicationView:
        (found,) = (each for each in self.controller.applications() if each.name == name)
        return found

    async def push(self, message: str) -> str:
        """Commit, and let the source be fetched at once, as a webhook would."""
        revision = await anyio.to_thread.run_sync(self.repository.commit, message)
        await self.until(self.controller.sources, "the sources")
        await self.controller.refresh(SOURCE, who="test")
        return revision

    def target(self, application: str, cluster: str) -> TargetView | None:
        for view in self.controller.targets():
            if (view.application, view.cluster) == (application, cluster):
                return view
        return None

    def last_seen(self, application: str, cluster: str) -> TargetView:
        """How a target stood when the controller was stopped."""
        (view,) = (
            each
            for each in self._last_seen
            if (each.application, each.cluster) == (application, cluster)
        )
        return view

    async def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Wait for a fact; says what was waited for, and what was there instead."""
        with anyio.move_on_after(DEADLINE_SECONDS):
            while True:
                found = holds()
                if found:
                    return found
                await anyio.sleep(0.02)
        seen = "\n".join(map(str, self.controller.targets()))
        raise AssertionError(f"not seen in {DEADLINE_SECONDS:g} s: {what}\n{seen}")

    async def until_phase(
        self, phase: str, application: str = "shop", clusters: Sequence[str] | None = None
    ) -> None:
        names = list(self.clusters) if clusters is None else clusters

        def holds() -> bool:
            views = [self.target(application, name) for name in names]
            return all(view is not None and view.phase == phase for view in views)

        await self.until(holds, f"{application} {phase} on {', '.join(names)}")

    async def until_revision(
        self, revision: str, application: str = "shop", clusters: Sequence[str] | None = None
    ) -> None:
        names = list(self.clusters) if clusters is None else clusters

        def holds() -> bool:
            views = [self.target(application, name) for name in names]
            return all(
                view is not None and view.phase is TargetPhase.SYNCED and view.revision == revision
                for view in views
            )

        await self.until(holds, f"{application} Synced at {revision[:8]} on {', '.join(names)}")

    async def records(self, deed: Deed, subject: str | None = None) -> list[Entry]:
        """What the ledger says of one deed, oldest first."""
        found = await self.controller.records(subject=subject, limit=1000)
        return [record.entry for record in reversed(found) if record.entry.what is deed]

    async def until_recorded(
        self, deed: Deed, subject: str | None = None, *, count: int = 1
    ) -> list[Entry]:
        """Wait until the ledger knows of so many."""

        async def look() -> list[Entry] | None:
            found = await self.records(deed, subject)
            return found if len(found) >= count else None

        found = await eventually(look, f"{count} records {deed} of {subject or 'anything'}")
        assert found is not None
        return found
