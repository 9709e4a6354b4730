"""A span says when a target became healthy, also when passes went by meanwhile."""

from __future__ import annotations

from pathlib import Path

import anyio
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.engine.harness import EngineUnderTest, deployment, key_of, make_engine
from tests.engine.virtual_time import in_virtual_time

from shoal.model.health import Health, HealthState
from shoal.model.identity import Ref
from shoal.telemetry import names

WEB = key_of("web", "Deployment")


def watched(engine: EngineUnderTest) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    engine.tracer = provider.get_tracer("test")
    return exporter


@in_virtual_time
async def test_a_pass_that_finds_nothing_to_do_does_not_end_the_wait(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "dev")
    spans = watched(engine)
    dev = engine.clusters["dev"]
    dev.set_health(WEB, Health(HealthState.PROGRESSING, "0 of 1 ready"))
    engine.source.commit(shop__web=deployment("web"))

    def times_healthy() -> int:
        return sum(span.name == names.CLUSTER_HEALTHY for span in spans.get_finished_spans())

    async with engine.running():
        await engine.until_synced("1")
        await engine.controller.sync(Ref("default", "shop"), who="ana")
        await anyio.sleep(60)
        before = times_healthy()
        dev.set_health(WEB, Health(HealthState.HEALTHY))
        await engine.until(lambda: times_healthy() == 1, "it is told")

    assert before == 0
