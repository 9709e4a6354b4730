"""Silence is no success: what fails a run beside a count that is beyond its limit."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import orjson
import pytest
from bench.adapters import Adapter, Offer
from bench.families import FAMILIES, Family, Plan, missing_counts
from bench.figures import Figures, Limit
from bench.limits import LIMITS
from bench.running import Run
from bench.scene import Scene
from bench.workload import Size
from rich.console import Console

from shoal_clusters.controlplane.local import Fleet

EVERYTHING = frozenset(Offer)
PLAN = Plan(repeats=1, quiet_seconds=0, output=Path())
TIME = "change_one.wall_over_floor"
REQUESTS, RENDERS = "change_one.requests", "change_one.renders"


class Nobody(Adapter):
    """Offers everything, and is never started."""

    user = "nobody"
    offers = EVERYTHING


def family(figures: Figures | None) -> Family:
    """Rows as those of `change`; None breaks."""

    async def measure(scene: Scene, plan: Plan) -> Figures:
        if figures is None:
            raise ConnectionError("the server has ended")
        return figures

    return Family(measure, ["change_one.*"], {"*.renders": Offer.RECORD})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    limits = {
        REQUESTS: Limit(1, is_count=True),
        RENDERS: Limit(1, is_count=True),
        TIME: Limit(1.5),
        "prune.requests_per_object": Limit(1, is_count=True),
    }
    return Run("nobody", tmp_path / "bench.json", limits, Console(quiet=True))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(cast("Fleet", None), tmp_path, Size(1, 1, 1), Nobody)


@pytest.mark.parametrize(
    ("figures", "failed"),
    [
        ({REQUESTS: [1.0], RENDERS: [1.0], TIME: [9.0]}, []),
        ({REQUESTS: [2.0], RENDERS: [1.0]}, [REQUESTS]),
        ({REQUESTS: [1.0]}, [RENDERS]),
        ({}, [REQUESTS, RENDERS]),
        (None, ["change"]),
    ],
)
async def test_a_run_fails_by_counts_alone(
    run: Run, scene: Scene, figures: Figures | None, failed: list[str]
) -> None:
    await run.measure("change", family(figures), scene, PLAN)

    assert run.failed == failed


async def test_a_family_that_breaks_costs_only_its_own_rows(run: Run, scene: Scene) -> None:
    await run.measure("change", family({REQUESTS: [1.0], RENDERS: [1.0]}), scene, PLAN)
    await run.measure("loop", family({TIME: []}), scene, PLAN)
    await run.measure("drift", family(None), scene, PLAN)
    written = orjson.loads(run.output.read_bytes())

    assert run.failed == ["loop", "drift"]
    assert written[REQUESTS] == {"median": 1, "repeats": [1]}


def test_a_count_that_is_not_offered_is_not_missed() -> None:
    limits = {RENDERS: Limit(1, is_count=True)}

    assert missing_counts(family({}), {}, limits, EVERYTHING) == [RENDERS]
    assert missing_counts(family({}), {}, limits, EVERYTHING - {Offer.RECORD}) == []


def test_every_row_with_a_limit_is_one_familys_own() -> None:
    judged = {row: Limit(0, is_count=True) for row in LIMITS}
    missed = [
        row for one in FAMILIES.values() for row in missing_counts(one, {}, judged, EVERYTHING)
    ]

    assert sorted(missed) == sorted(LIMITS)
