"""pytest fixtures: real API servers for a whole session, and ones that a test may kill.

Put `pytest_plugins = ["shoal_clusters.controlplane.fixtures"]` into the topmost conftest.py. The
fixtures hand over processes, addresses and plain objects, bound to no event loop; tasks (a workload
simulator, a watch) are opened inside the test. The programs are looked for, or built, when tests
have been collected and one of them needs them: a build takes longer than a test may. The
environment's SHOAL_TEST_KUBERNETES names the minor version to test against, else the newest.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from shoal.binaries import Progress
from shoal_clusters.controlplane.apiserver import USERS, ControlPlane
from shoal_clusters.controlplane.local import Flavour, Fleet, locate_programs, start_fleet
from shoal_clusters.controlplane.programs import KUBERNETES
from shoal_clusters.controlplane.waiting import wait_until

T = TypeVar("T")
NAMES = ("dev", "staging", "prod")
# A user without any right, beside those who have all.
TEST_USERS = {**USERS, "guest": ()}

_ACCOUNT_SECONDS = 30.0

CreateNamespace = Callable[[], Coroutine[Any, Any, str]]
StartVictim = Callable[[str], Awaitable[ControlPlane]]


VERSION_VARIABLE = "SHOAL_TEST_KUBERNETES"


def kubernetes_under_test() -> str | None:
    """The minor version that the environment asks for, None when it does not matter."""
    asked = os.environ.get(VERSION_VARIABLE)
    if asked and asked not in KUBERNETES:
        known = ", ".join(KUBERNETES)
        raise pytest.UsageError(f"{VERSION_VARIABLE} is {asked!r}; known versions: {known}")
    return asked or None


def flavour_under_test(*, has_controllers: bool = False) -> Flavour:
    """What control planes of tests are like."""
    return Flavour(kubernetes_under_test(), has_controllers, TEST_USERS)


_SERVING = frozenset({"local_control_planes", "start_victim", "controlled_plane"})


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known, under `--strict-markers` too."""
    config.addinivalue_line("markers", "real: starts real API servers")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `real` what starts API servers by these fixtures, before marks select."""
    for item in items:
        if not _SERVING.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("real")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Find or make the programs before the first test's time begins to run."""
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    with_controllers = "controlled_plane" in wanted
    if not wanted.isdisjoint(_SERVING) and not session.config.getoption("collectonly"):
        progress = _progress(session.config)
        _run(locate_programs(flavour_under_test(has_controllers=with_controllers), progress))


@pytest.fixture(scope="session")
def local_control_planes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three API servers on one etcd, for the whole session; never stop one of these."""
    folder = tmp_path_factory.mktemp("fleet")
    fleet = _run(start_fleet(folder, NAMES, flavour=flavour_under_test()))
    yield fleet
    _run(fleet.stop())
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def controlled_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server with its real controllers, for the whole session; never stop it.

    Pods become ready inside `simulated_workloads([controlled_plane])` only.
    """
    folder = tmp_path_factory.mktemp("controlled")
    fleet = _run(
        start_fleet(folder, ["controlled"], flavour=flavour_under_test(has_controllers=True))
    )
    yield fleet.clusters["controlled"]
    _run(fleet.stop())
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def controlled_namespace(controlled_plane: ControlPlane) -> Iterator[str]:
    """A namespace of the test's own beside real controllers; it is deleted when the test ends."""
    name = f"test-{secrets.token_hex(4)}"
    _run(_create_working_namespace(controlled_plane, name))
    yield name
    _run(_delete_namespace(controlled_plane, name))


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

    It stays until the session ends: without a controller manager no namespace is ever finalized;
    `controlled_namespace` is one beside real controllers.
    """
    return _run(create_namespace())


@pytest.fixture
def start_victim(tmp_path: Path) -> Iterator[StartVictim]:
    """Starts an API server with an etcd of its own, which the test may kill, pause or restart."""
    started: list[Fleet] = []

    async def start(name: str) -> ControlPlane:
        folder = tmp_path / f"victim-{name}"
        started.append(await start_fleet(folder, [name], flavour=flavour_under_test()))
        return started[-1].clusters[name]

    yield start
    for fleet in started:
        _run(fleet.stop())
        shutil.rmtree(fleet.folder, ignore_errors=True)


async def _create_working_namespace(plane: ControlPlane, name: str) -> None:
    """A namespace with its `default` service account: Pods are refused before."""
    async with plane.client() as client:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        await client.create("/api/v1/namespaces", body)

        async def has_account() -> bool:
            path = f"/api/v1/namespaces/{name}/serviceaccounts/default"
            return await client.find(path) is not None

        assert await wait_until(has_account, seconds=_ACCOUNT_SECONDS)


async def _delete_namespace(plane: ControlPlane, name: str) -> None:
    async with plane.client() as client:
        if await client.find(f"/api/v1/namespaces/{name}") is not None:
            await client.delete(f"/api/v1/namespaces/{name}")


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
