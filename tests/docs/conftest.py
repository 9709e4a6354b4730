"""What pages are carried out on: shared clusters with workloads that become healthy, a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import platformdirs
import pytest
import structlog
from anyio.from_thread import start_blocking_portal
from tests.docs.pages import Block
from tests.docs.playing import PROGRAMS, Player, needs_clusters

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.workload_simulator import simulated_workloads


@pytest.fixture(scope="module")
def living_clusters(clusters: Mapping[str, ControlPlane]) -> Iterator[Mapping[str, ControlPlane]]:
    """The session's API servers; workloads become healthy there while the pages are played."""
    with start_blocking_portal() as portal:
        simulator = simulated_workloads(clusters.values())
        with portal.wrap_async_context_manager(simulator):
            yield clusters


@pytest.fixture
def terminal(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Sequence[Block]], Player]]:
    """Sits down a person for a page, in an empty folder, with a home that is empty too."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(platformdirs.user_cache_path()))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    players: list[Player] = []

    def sit_down(blocks: Sequence[Block]) -> Player:
        are_needed = needs_clusters(blocks)
        clusters = request.getfixturevalue("living_clusters") if are_needed else {}
        players.append(Player(folder, clusters))
        players[-1].prepare()
        return players[-1]

    yield sit_down
    for player in players:
        player.end()
    structlog.reset_defaults()  # commands log to the stderr of their test
