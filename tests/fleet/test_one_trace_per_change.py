"""A change is one trace, from the commit to each cluster; what follows is linked to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.fleet.harness import SOURCE, FleetUnderTest, config_map, deployment, path_of

from shoal.model.identity import Ref
from shoal.model.records import Deed
from shoal.telemetry import names
from shoal.telemetry.ring import SpanView
from shoal_clusters.controlplane.client import Client

SHOP = Ref("default", "shop")
TARGET = "default/shop@dev"
CLUSTERS = ("dev", "prod", "staging")


async def until_spans(fleet: FleetUnderTest, name: str, count: int) -> Sequence[SpanView]:
    """The latest trace of `shop`, once it has so many spans of this name."""

    def look() -> Sequence[SpanView]:
        spans = fleet.controller.trace(SHOP)
        return spans if sum(span.name == name for span in spans) >= count else ()

    found = await fleet.until(look, f"{count} spans {name}")
    return list(found)


def only(spans: Sequence[SpanView], name: str) -> SpanView:
    (found,) = (span for span in spans if span.name == name)
    return found


async def test_a_commit_is_one_trace_from_fetch_to_every_cluster(
    fleet: FleetUnderTest, namespace: str
) -> None:
    fleet.repository.write("shop/all.yaml", config_map("settings", namespace, color="blue"))
    fleet.repository.commit("Open the shop")
    async with fleet.running():
        await fleet.until_phase("Synced")
        fleet.repository.write("shop/all.yaml", config_map("settings", namespace, color="red"))
        revision = await fleet.push("Paint it red")
        await fleet.until_revision(revision)
        spans = await until_spans(fleet, names.CLUSTER_HEALTHY, 3)
        synced = await fleet.until_recorded(Deed.TARGET_SYNCED, count=6)

    root = only(spans, names.SHOAL_SYNC)
    syncs = [span for span in spans if span.name == names.CLUSTER_SYNC]
    assert {span.trace_id for span in spans} == {root.trace_id}
    assert Counter(span.name for span in spans) == {
        names.SHOAL_SYNC: 1,
        names.FETCH: 1,
        names.RENDER: 1,
        names.CLUSTER_SYNC: 3,
        names.PLAN: 3,
        names.APPLY: 3,
        names.CLUSTER_HEALTHY: 3,
    }
    assert root.attributes[names.APPLICATION] == "default/shop"
    assert root.attributes[names.REVISION] == revision
    assert root.attributes[names.TARGETS] == 3
    fetch = only(spans, names.FETCH)
    assert fetch.parent_id == root.span_id
    assert fetch.attributes[names.SOURCE] == str(SOURCE)
    assert fetch.attributes[names.REVISION] == revision
    assert only(spans, names.RENDER).parent_id == root.span_id
    assert sorted(span.attributes[names.CLUSTER] for span in syncs) == list(CLUSTERS)
    assert {span.parent_id for span in syncs} == {root.span_id}
    for step in (names.PLAN, names.APPLY):
        parents = {span.parent_id for span in spans if span.name == step}
        assert parents == {span.span_id for span in syncs}
        clusters = {span.attributes[names.CLUSTER] for span in spans if span.name == step}
        assert clusters == set(CLUSTERS)
    assert {record.trace_id for record in synced[3:]} == {root.trace_id}


async def test_a_traceparent_in_a_commit_is_the_parent(
    small_fleet: FleetUnderTest, namespace: str
) -> None:
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    small_fleet.repository.write("shop/all.yaml", config_map("settings", namespace))
    small_fleet.repository.commit(f"Open the shop\n\ntraceparent: 00-{trace}-{span}-01")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        spans = await until_spans(small_fleet, names.CLUSTER_SYNC, 1)

    root = only(spans, names.SHOAL_SYNC)
    assert (root.trace_id, root.parent_id) == (trace, span)
    assert only(spans, names.CLUSTER_SYNC).trace_id == trace


async def test_health_reached_is_a_span_with_the_time_since_the_commit(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    web = deployment("web", namespace)
    small_fleet.repository.write("shop/all.yaml", web)
    revision = small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_revision(revision)
        before = small_fleet.controller.trace(SHOP)
        await make_healthy(admin, web)
        spans = await until_spans(small_fleet, names.CLUSTER_HEALTHY, 1)
        await small_fleet.until(
            lambda: small_fleet.application("shop").health == "Healthy", "shop is healthy"
        )

    healthy, root = only(spans, names.CLUSTER_HEALTHY), only(spans, names.SHOAL_SYNC)
    assert names.CLUSTER_HEALTHY not in {span.name for span in before}
    assert healthy.parent_id == root.span_id
    assert healthy.attributes[names.CLUSTER] == "dev"
    assert healthy.attributes[names.REVISION] == revision
    assert 0 <= healthy.attributes[names.SINCE_COMMIT_SECONDS] < 60


async def make_healthy(admin: Client, manifest: dict[str, object]) -> None:
    """Say what a controller would say when all Pods run."""
    status = {
        "observedGeneration": 1,
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "conditions": [{"type": "Available", "status": "True"}],
    }
    await admin.patch(f"{path_of(manifest)}/status", {"status": status})


async def test_a_correction_is_a_trace_of_its_own_linked_to_the_change(
    small_fleet: FleetUnderTest, namespace: str, admin: Client
) -> None:
    settings = config_map("settings", namespace, color="blue")
    small_fleet.repository.write("shop/all.yaml", settings)
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        change = only(await until_spans(small_fleet, names.SHOAL_SYNC, 1), names.SHOAL_SYNC)
        await admin.patch(path_of(settings), {"data": {"color": "red"}})
        (record,) = await small_fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
        await small_fleet.until(
            lambda: small_fleet.controller.trace(SHOP)[0].trace_id == record.trace_id, "its trace"
        )
        spans = small_fleet.controller.trace(SHOP)

    correction = only(spans, names.CLUSTER_SYNC)
    assert correction.trace_id != change.trace_id
    assert correction.parent_id == ""
    assert correction.links == ((change.trace_id, change.span_id),)
    assert correction.attributes[names.TRIGGER] == "drift"
    assert {names.PLAN, names.APPLY} <= {span.name for span in spans}


async def test_a_commit_that_changes_nothing_of_it_starts_no_trace(
    small_fleet: FleetUnderTest, namespace: str
) -> None:
    small_fleet.repository.write("shop/all.yaml", config_map("settings", namespace))
    small_fleet.repository.commit("Open the shop")
    async with small_fleet.running():
        await small_fleet.until_phase("Synced")
        before = small_fleet.controller.trace(SHOP)[0].trace_id
        small_fleet.repository.write("README.md", "# Nothing of the shop")
        revision = await small_fleet.push("Write about it")
        await small_fleet.until(
            lambda: small_fleet.application("shop").revision == revision, "the commit was seen"
        )
        after = small_fleet.controller.trace(SHOP)[0].trace_id

    assert after == before
