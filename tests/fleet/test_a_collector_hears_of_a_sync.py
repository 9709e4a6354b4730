"""`shoal run` under the standard `OTEL_*` variables, and a real OpenTelemetry Collector."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from tests.fleet.collecting import WITHIN_SECONDS, Collector, attributes
from tests.fleet.harness import FleetUnderTest, config_map

from shoal.telemetry import measures, names
from shoal_clusters.counting import REQUESTS

SAYS = {
    "OTEL_SERVICE_NAME": "shoal-east",
    "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_METRIC_EXPORT_INTERVAL": "200",
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_BLRP_SCHEDULE_DELAY": "100",
}


@contextmanager
def shoal_run(fleet: FleetUnderTest, collector: Collector) -> Iterator[None]:
    command = [Path(sys.executable).with_name("shoal"), "run", "--fleet", fleet.documents]
    command += ["--state", fleet.folder / "state"]
    environment = {**os.environ, **SAYS, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield
        process.terminate()
        assert process.wait(WITHIN_SECONDS) == 0
    finally:
        process.kill()


def phases(collector: Collector) -> Mapping[str, str]:
    """The newest count of targets by phase that was sent."""
    sent = [metric for metric, _ in collector.received("metric")]
    counts = [each for each in sent if each["name"] == measures.TARGETS.name]
    points = counts[-1]["gauge"]["dataPoints"] if counts else []
    return {attributes(point)[measures.PHASE]: point["asInt"] for point in points}


async def until_synced(collector: Collector) -> None:
    with anyio.fail_after(WITHIN_SECONDS):
        while await anyio.to_thread.run_sync(phases, collector) != {"Synced": "1"}:
            await anyio.sleep(0.1)


async def test_traces_metrics_and_logs_of_a_sync_arrive(
    small_fleet: FleetUnderTest, namespace: str, collector: Collector
) -> None:
    small_fleet.repository.write("shop/all.yaml", config_map("settings", namespace))
    small_fleet.repository.commit("Open the shop")

    with shoal_run(small_fleet, collector):
        await until_synced(collector)

    trace = the_trace(collector)
    the_metrics(collector)
    the_logs(collector, trace)


def the_trace(collector: Collector) -> str:
    """One trace from the decision to the cluster, told by who the variables say."""
    received = list(collector.received("span"))
    root = next(span for span, _ in received if span["name"] == names.SHOAL_SYNC)
    spans = {span["name"]: span for span, _ in received if span["traceId"] == root["traceId"]}
    assert attributes(root)[names.APPLICATION] == "default/shop"
    assert spans.keys() >= {names.FETCH, names.RENDER, names.PLAN}
    assert spans[names.CLUSTER_SYNC]["parentSpanId"] == root["spanId"]
    assert spans[names.APPLY]["parentSpanId"] == spans[names.CLUSTER_SYNC]["spanId"]
    assert all(is_ours(about) for _, about in received)
    return str(root["traceId"])


def the_metrics(collector: Collector) -> None:
    received = list(collector.received("metric"))
    newest = {metric["name"]: metric for metric, _ in received}
    stages = newest[measures.STAGE_DURATION.name]["histogram"]["dataPoints"]
    assert {attributes(each)[measures.STAGE] for each in stages} >= {
        *(names.FETCH, names.RENDER, names.PLAN, names.APPLY)
    }
    requests = newest[REQUESTS.name]["sum"]
    assert requests["isMonotonic"]
    assert {attributes(each)[names.CLUSTER] for each in requests["dataPoints"]} == {"dev"}
    (up,) = newest[measures.CLUSTER_UP.name]["gauge"]["dataPoints"]
    assert up["asInt"] == "1"
    assert newest.keys() >= {
        *(measures.CPU_TIME.name, measures.LOOP_LAG.name, measures.STORE_COMMIT.name),
        *(measures.PLUGIN_CALL.name, measures.QUEUE_WAIT.name, measures.RENDERS.name),
    }
    assert all(is_ours(about) for _, about in received)


def the_logs(collector: Collector, trace: str) -> None:
    """The line of the outcome leads to the trace."""
    received = list(collector.received("log"))
    lines = {line["body"]["stringValue"]: line for line, _ in received}
    assert lines["controller.started"]["severityText"] == "INFO"
    assert lines["target.synced"]["traceId"] == trace
    assert attributes(lines["target.synced"])["subject"] == "default/shop@dev"
    assert all(is_ours(about) for _, about in received)


def is_ours(resource: Mapping[str, Any]) -> bool:
    """As OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say."""
    return (
        resource["service.name"] == "shoal-east"
        and resource["deployment.environment.name"] == "test"
        and bool(resource["service.version"])
    )
