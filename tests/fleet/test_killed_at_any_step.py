"""A controller that is killed at a step of its work: the next one ends it, and all is explained.

A sample: any step will do. `make kill-steps` goes through all of them, in more scenes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.killing.children import Children, children
from tests.killing.performing import Performance

from shoal.composition.loading import Plugins
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import Client

SCENES = ("update, and a newer commit", "drift", "approved prune")


@pytest.fixture(scope="module")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    """The process that forks the controllers."""
    with children(tmp_path_factory.mktemp("killed") / "runs.log") as found:
        yield found


@pytest.mark.parametrize("scene", SCENES)
async def test_whatever_was_killed_is_ended_and_each_write_has_its_record(
    scene: str,
    tmp_path: Path,
    plugins: Plugins,
    clusters: Mapping[str, ControlPlane],
    admin: Client,
    forking: Children,
) -> None:
    performance = Performance(scene, tmp_path, plugins, clusters["dev"], admin, forking)
    # From the plan on: what comes before has sent nothing yet.
    await performance.perform(random.randint(20, 45))
