"""Whether a signal leaves the process by OTLP: what the standard `OTEL_*` variables say.

The SDK reads most variables itself (sampler, resource, batches, intervals, the exporter's endpoint
and headers); here is decided only *whether* traces, metrics or logs are exported. And how they end:
what is left is sent off the loop, within a deadline.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum

import anyio
from opentelemetry.sdk.resources import Resource


class Signal(StrEnum):
    """What can be exported, as its variables name it."""

    TRACES = "TRACES"
    METRICS = "METRICS"
    LOGS = "LOGS"


def wants_export(environment: Mapping[str, str], signal: Signal) -> bool:
    """Whether the standard variables ask for this signal to be exported by OTLP.

    OTEL_…_EXPORTER decides where it is set (`none` and exporters we do not have mean no); its
    default, `otlp` to a collector on localhost, counts only when an endpoint is named. For logs
    that must be one of their own: the lines are on standard error too, where most collectors
    read them, and nobody wants them twice.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    chosen = environment.get(f"OTEL_{signal}_EXPORTER", "").strip()
    if chosen:
        return "otlp" in (name.strip() for name in chosen.split(","))
    endpoints = [f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"]
    if signal is not Signal.LOGS:
        endpoints.append("OTEL_EXPORTER_OTLP_ENDPOINT")
    return any(environment.get(name, "").strip() for name in endpoints)


def resource(version: str) -> Resource:
    """Service `shoal`, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    defaults = Resource(
        {"service.name": "shoal"} | ({"service.version": version} if version else {})
    )
    named = Resource.create()
    if str(named.attributes.get("service.name", "")).startswith("unknown_service"):
        return named.merge(defaults)
    # The right side wins.
    return defaults.merge(named)


async def ended(shut_down: Callable[[], None], *, timeout_seconds: float) -> bool:
    """Export what is left, off the loop; False when the deadline cut it short.

    The thread is a daemon: a collector that does not answer cannot keep the process alive.
    """
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    arguments = (shut_down, loop, done)
    threading.Thread(target=_end, args=arguments, name="telemetry", daemon=True).start()
    with anyio.move_on_after(timeout_seconds, shield=True):
        await done.wait()
    return done.is_set()


def _end(
    shut_down: Callable[[], None], loop: asyncio.AbstractEventLoop, done: asyncio.Event
) -> None:
    try:
        shut_down()
    finally:
        # The deadline may have passed and the loop be closed: then nobody waits any more.
        if not loop.is_closed():
            loop.call_soon_threadsafe(done.set)
