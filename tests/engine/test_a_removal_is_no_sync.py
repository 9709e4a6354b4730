"""The removal of a target is told as that: in the ledger, by Alerts and in traces."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.engine.harness import EngineUnderTest, config_map, make_engine
from tests.engine.troubles import MINUTE
from tests.engine.virtual_time import in_virtual_time

from shoal.errors import ForbiddenByCluster
from shoal.model.records import Deed, Verdict
from shoal.telemetry import names

LEFT = "application default/shop was removed from the fleet"


async def removed(engine: EngineUnderTest) -> None:
    """The shop is synced, leaves Git, and is gone."""
    engine.let_grace_last("10s")
    revision = engine.source.commit(shop__settings=config_map(a="1"))
    await engine.until_synced(revision)
    engine.remove_application("shop")
    await engine.until_recorded(Deed.TARGET_RELEASED)
    await anyio.sleep(MINUTE)


@in_virtual_time
async def test_the_ledger_has_one_sync_and_one_removal(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    async with engine.running():
        await removed(engine)

    (synced,) = engine.store.recorded(Deed.TARGET_SYNCED)
    (gone,) = engine.store.recorded(Deed.TARGET_REMOVED)
    assert synced.revision == "1"
    assert (gone.verdict, gone.why, gone.subject) == (Verdict.SUCCEEDED, LEFT, "default/shop@one")
    assert gone.body["counts"] == {"deleted": 1}


@pytest.mark.parametrize("event", ["Synced", "Removed"])
@in_virtual_time
async def test_an_alert_is_told_of_the_one_that_it_selects(tmp_path: Path, event: str) -> None:
    engine = make_engine(tmp_path, "one")
    engine.declare_alert(events=[event], groupFor="1s")
    async with engine.running():
        await removed(engine)

    told = [each for batch in engine.notifier.sent for each in batch.events]
    assert [each.kind.value for each in told] == [event]


@in_virtual_time
async def test_a_failure_of_a_removal_ends_with_it(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    one = engine.clusters["one"]
    engine.let_grace_last("10s")
    revision = engine.source.commit(shop__settings=config_map(a="1"))

    async with engine.running():
        await engine.until_synced(revision)
        (key,) = one.objects
        one.refusals[key] = ForbiddenByCluster("a webhook says no")
        engine.remove_application("shop")
        await engine.until_recorded(Deed.TARGET_FAILED)
        del one.refusals[key]
        await engine.until_recorded(Deed.TARGET_RELEASED)

    assert len(engine.store.recorded(Deed.TARGET_REMOVED)) == 1
    assert engine.store.recorded(Deed.TARGET_RECOVERED) == []


@in_virtual_time
async def test_the_span_of_a_removal_says_so(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    engine.tracer = provider.get_tracer("test")
    async with engine.running():
        await removed(engine)

    passes = [each for each in spans.get_finished_spans() if each.name == names.CLUSTER_SYNC]
    told = [(each.attributes or {}).get(names.REMOVAL) for each in passes]
    assert told[0] is None
    assert told[-1] == LEFT
