"""The telemetry of a controller: its traces and metrics, begun before all else and ended last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio import to_thread

from shoal import __version__
from shoal.engine.measuring import SILENT, Measuring
from shoal.telemetry.exporting import resource
from shoal.telemetry.masking import Masking
from shoal.telemetry.metering import Metering, build_metering
from shoal.telemetry.stages import Stages
from shoal.telemetry.tracing import SCOPE, Tracing, build_tracing


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the engine's parts tell themselves by. `measuring` is silent when nobody listens."""

    tracing: Tracing
    metering: Metering
    measuring: Measuring


@asynccontextmanager
async def telemetry(masking: Masking, *, serves_metrics: bool) -> AsyncIterator[Telemetry]:
    """Build it as the environment says; what is left is exported at the end, within a deadline."""
    told = await to_thread.run_sync(_build, masking, serves_metrics)
    try:
        yield told
    finally:
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as ending:
                ending.start_soon(told.tracing.shutdown)
                ending.start_soon(told.metering.shutdown)


def _build(masking: Masking, serves_metrics: bool) -> Telemetry:
    metering = build_metering(
        masking, resource(__version__), version=__version__, serves=serves_metrics
    )
    measuring = Measuring(metering.record) if metering.is_looked_at else SILENT
    watching = [Stages(measuring.stage, SCOPE)]
    tracing = build_tracing(masking, version=__version__, watching=watching)
    return Telemetry(tracing, metering, measuring)
