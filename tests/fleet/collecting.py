"""A real OpenTelemetry Collector as a process: it writes what it is sent to a file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import yaml
from tests.programs import own_program

from shoal_clusters.controlplane.ports import free_port

FOLDER = Path(__file__).parents[1] / "telemetry" / "collector"
COLLECTOR = own_program("otel-collector", FOLDER)
WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Collector:
    """Where it listens, and what came in so far."""

    endpoint: str
    file: Path

    def received(self, kind: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Each `span`, `metric` or `log`, with its resource's attributes."""
        outer, inner, items = _SHAPES[kind]
        text = self.file.read_text() if self.file.exists() else ""
        for line in text.splitlines(keepends=True):
            if not line.endswith("\n"):
                return  # it is being written
            for of_resource in json.loads(line).get(outer, ()):
                about = attributes(of_resource["resource"])
                for scope in of_resource[inner]:
                    for each in scope.get(items, ()):
                        yield each, about


_SHAPES = {
    "span": ("resourceSpans", "scopeSpans", "spans"),
    "metric": ("resourceMetrics", "scopeMetrics", "metrics"),
    "log": ("resourceLogs", "scopeLogs", "logRecords"),
}


def attributes(of: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a resource, a span, a point or a log record."""
    return {each["key"]: next(iter(each["value"].values())) for each in of.get("attributes", ())}


@asynccontextmanager
async def running_collector(program: Path, folder: Path) -> AsyncIterator[Collector]:
    """The Collector on loopback, for as long as the context is open."""
    port, file = free_port(), folder / "received.jsonl"
    pipeline = {"receivers": ["otlp"], "exporters": ["file"]}
    configuration = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"file": {"path": str(file), "flush_interval": "100ms"}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
            "pipelines": {"traces": pipeline, "metrics": pipeline, "logs": pipeline},
        },
    }
    config, log = folder / "collector.yaml", folder / "collector.log"
    config.write_text(yaml.safe_dump(configuration))
    with log.open("wb") as output:
        process = subprocess.Popen([program, "--config", config], stdout=output, stderr=output)
    try:
        collector = Collector(f"http://127.0.0.1:{port}", file)
        await _until_it_answers(collector, process, log)
        yield collector
    finally:
        process.terminate()
        await anyio.to_thread.run_sync(process.wait)


async def _until_it_answers(collector: Collector, process: Any, log: Path) -> None:
    with anyio.move_on_after(WITHIN_SECONDS):
        async with aiohttp.ClientSession() as session:
            while process.poll() is None:
                try:
                    await session.get(collector.endpoint)
                except aiohttp.ClientError:
                    await anyio.sleep(0.05)
                else:
                    return
    raise AssertionError(f"the Collector does not answer:\n{log.read_text()}")
