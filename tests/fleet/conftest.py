"""Fixtures: a whole fleet per test, over the session's clusters or over ones it may kill."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from tests.fleet.collecting import COLLECTOR, Collector, running_collector
from tests.fleet.harness import PLUGINS, SOURCE, FleetUnderTest, Repository, document
from tests.programs import locate_needed, located

from shoal.composition.loading import Plugins, load_plugins
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the Collector first: two minutes of a core, once."""
    locate_needed(session, {"collector": [COLLECTOR]})


@pytest.fixture
async def collector(tmp_path: Path) -> AsyncIterator[Collector]:
    """A real OpenTelemetry Collector, and what it was sent."""
    program = await to_thread.run_sync(located, COLLECTOR)
    async with running_collector(program, tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def plugins() -> Plugins:
    return load_plugins(PLUGINS)


MakeFleet = Callable[[Mapping[str, ControlPlane]], FleetUnderTest]


@pytest.fixture
def make_fleet(tmp_path: Path, plugins: Plugins) -> MakeFleet:
    """Makes a fleet over these clusters with one Source `apps` and one Application `shop`."""

    def make(clusters: Mapping[str, ControlPlane]) -> FleetUnderTest:
        name = f"fleet-{secrets.token_hex(4)}"
        folder = tmp_path / name
        repository = Repository(folder / "apps")
        repository.folder.mkdir(parents=True)
        repository.git("init", "-q", "-b", "main")
        fleet = FleetUnderTest(folder, name, clusters, plugins, repository)
        url = str(repository.folder)
        git = {"git": {"url": url, "branch": "main"}, "interval": "1h"}
        fleet.write("fleet.yaml", document("Fleet", name), document("Source", SOURCE.name, git))
        for cluster in clusters.values():
            fleet.declare_cluster(cluster)
        fleet.declare_application("shop")
        return fleet

    return make


@pytest.fixture
def fleet(make_fleet: MakeFleet, clusters: Mapping[str, ControlPlane]) -> FleetUnderTest:
    """A fleet over the session's three clusters; write manifests, then let it run."""
    return make_fleet(clusters)


@pytest.fixture
def small_fleet(make_fleet: MakeFleet, clusters: Mapping[str, ControlPlane]) -> FleetUnderTest:
    """A fleet over the session's cluster dev alone."""
    return make_fleet({"dev": clusters["dev"]})


@pytest.fixture
async def admin(clusters: Mapping[str, ControlPlane]) -> AsyncIterator[Client]:
    """A client of dev as the administrator."""
    async with clusters["dev"].client() as client:
        yield client


@pytest.fixture
async def admins(clusters: Mapping[str, ControlPlane]) -> AsyncIterator[Mapping[str, Any]]:
    """A client per cluster, as the administrator: what a person does with kubectl."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(cluster.client())
            for name, cluster in clusters.items()
        }
