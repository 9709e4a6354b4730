"""Fixtures: a fleet over one real cluster, with a canary wherever a secret may stand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
import structlog
from tests.fleet.conftest import MakeFleet, admin, make_fleet, plugins
from tests.notifying.conftest import receiver
from tests.security.planting import Planted, plant
from tests.security.watching import Outlets

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.demo.git_server import GitServer

__all__ = ["admin", "make_fleet", "plugins", "receiver"]


@pytest.fixture
async def forge(tmp_path: Path) -> AsyncIterator[GitServer]:
    """A forge that asks for a token, which is a canary."""
    (tmp_path / "served").mkdir()
    async with GitServer(tmp_path / "served", token=plant("git-token")) as server:
        yield server


@pytest.fixture
def planted(
    make_fleet: MakeFleet,
    clusters: Mapping[str, ControlPlane],
    forge: GitServer,
    namespace: str,
) -> Planted:
    """The fleet, not running yet."""
    return Planted(make_fleet({"dev": clusters["dev"]}), forge, namespace)


@pytest.fixture
def outlets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outlets]:
    """Log lines and exported spans of a controller that is served while the test runs."""
    outlets = Outlets()
    outlets.open(monkeypatch)
    yield outlets
    outlets.close()
    structlog.reset_defaults()
