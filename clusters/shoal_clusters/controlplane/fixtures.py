"""pytest fixtures: real API servers for a whole session, and ones that a test may kill.

Put `pytest_plugins = ["shoal_clusters.controlplane.fixtures"]` into the topmost conftest.py. The
fixtures hand over processes, addresses and plain objects, bound to no event loop; tasks (a workload
simulator, a watch) are opened inside the test. The programs are looked for, or built, when tests
have been collected and one of them needs them: a build takes longer than a test may.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from shoal.binaries import Progress, locate
from shoal_clusters.controlplane.apiserver import USERS, ControlPlane
from shoal_clusters.controlplane.local import Fleet, start_fleet
from shoal_clusters.controlplane.programs import ETCD, KUBE_APISERVER

T = TypeVar("T")
NAMES = ("dev", "staging", "prod")
# A user without any right, beside those who have all.
TEST_USERS = {**USERS, "guest": ()}

CreateNamespace = Callable[[], Coroutine[Any, Any, str]]
StartVictim = Callable[[str], Awaitable[ControlPlane]]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Find or make the programs before the first test's time begins to run."""
    needed = {"local_control_planes", "start_victim"}
    is_needed = any(
        needed.intersection(getattr(item, "fixturenames", ())) for item in session.items
    )
    if is_needed and not session.config.getoption("collectonly"):
        progress = _progress(session.config)

        async def find() -> None:
            await locate(ETCD, progress=progress)
            await locate(KUBE_APISERVER, progress=progress)

        _run(find())


@pytest.fixture(scope="session")
def local_control_planes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three API servers on one etcd, for the whole session; never stop one of these."""
    folder = tmp_path_factory.mktemp("fleet")
    fleet = _run(start_fleet(folder, NAMES, users=TEST_USERS))
    yield fleet
    _run(fleet.stop())
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def clusters(local_control_planes: Fleet) -> Mapping[str, ControlPlane]:
    """The session's API servers by name: dev, staging, prod."""
    return local_control_planes.clusters


@pytest.fixture
def create_namespace(clusters: Mapping[str, ControlPlane]) -> CreateNamespace:
    """Makes a namespace of a new name on every cluster and returns the name."""

    async def create() -> str:
        name = f"test-{secrets.token_hex(4)}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for cluster in clusters.values():
            async with cluster.client() as client:
                await client.create("/api/v1/namespaces", body)
        return name

    return create


@pytest.fixture
def namespace(create_namespace: CreateNamespace) -> str:
    """A namespace of the test's own, on every cluster.

    It stays until the session ends: without a controller manager no namespace is ever finalized.
    """
    return _run(create_namespace())


@pytest.fixture
def start_victim(tmp_path: Path) -> Iterator[StartVictim]:
    """Starts an API server with an etcd of its own, which the test may kill, pause or restart."""
    started: list[Fleet] = []

    async def start(name: str) -> ControlPlane:
        folder = tmp_path / f"victim-{name}"
        started.append(await start_fleet(folder, [name], users=TEST_USERS))
        return started[-1].clusters[name]

    yield start
    for fleet in started:
        _run(fleet.stop())
        shutil.rmtree(fleet.folder, ignore_errors=True)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in a loop of its own, out of the way of the loop that a test has or will have."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


def _progress(config: pytest.Config) -> Progress:
    """Write what goes on to the terminal, past pytest's capture, a line per ten per cent."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    told: set[tuple[str, int]] = set()

    def progress(message: str, fraction: float | None) -> None:
        step = (message, int((fraction or 0) * 10))
        if reporter is None or step in told:
            return
        told.add(step)
        reporter.write_line(message if not fraction else f"{message} {fraction:.0%}")

    return progress
