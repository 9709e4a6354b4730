"""Requests to API servers as metrics: by cluster, verb and answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from tests.kubernetes.tls_servers import Tokens, served

from shoal.errors import ClusterUnreachable
from shoal_clusters.counting import METRICS


class Counted:
    """A meter, and what was counted with it."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.meter = MeterProvider([self._reader], shutdown_on_exit=False).get_meter("test")

    def points(self, name: str) -> list[tuple[Mapping[str, Any], Any]]:
        data = self._reader.get_metrics_data()
        metrics = data.resource_metrics[0].scope_metrics[0].metrics if data else []
        points = next(each.data.data_points for each in metrics if each.name == name)
        return [(dict(each.attributes or {}), each) for each in points]


async def test_each_answer_counts_for_its_cluster_verb_and_status(certificates: Path) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(status=201 if request.method == "PATCH" else 404)

    counted = Counted()
    async with served(certificates, handler, Tokens(), meter=counted.meter) as transport:
        await transport.request("PATCH", "/x", body=b"{}")
        await transport.request("GET", "/x")
        await transport.request("GET", "/y")

    of = {"k8s.cluster.name": "dev"}
    status = "http.response.status_code"
    counts = [(labels, each.value) for labels, each in counted.points("shoal.cluster.requests")]
    assert counts == [
        ({**of, "shoal.verb": "PATCH", status: 201}, 1),
        ({**of, "shoal.verb": "GET", status: 404}, 2),
    ]
    took = counted.points("shoal.cluster.request.duration")
    assert [(labels, each.count) for labels, each in took] == [
        ({"shoal.verb": "PATCH"}, 1),
        ({"shoal.verb": "GET"}, 2),
    ]


async def test_no_answer_counts_as_its_error(certificates: Path) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    counted = Counted()
    async with served(certificates, handler, Tokens(), meter=counted.meter) as transport:
        with pytest.raises(ClusterUnreachable):
            await transport.request("GET", "/x")

    counts = {
        labels["error.type"]: each.value
        for labels, each in counted.points("shoal.cluster.requests")
    }
    assert counts == {"ServerDisconnectedError": 2}  # a dropped connection is tried once more


async def test_a_watch_is_one_request_however_long_it_goes_on(certificates: Path) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="{}\n" * 5)

    counted = Counted()
    async with served(certificates, handler, Tokens(), meter=counted.meter) as transport:
        watch = transport.stream("/x", query={"watch": "1"}, deadline_seconds=5)
        async with watch as (_, lines):
            assert len([line async for line in lines]) == 5

    ((labels, point),) = counted.points("shoal.cluster.requests")
    assert (labels["shoal.verb"], labels["http.response.status_code"]) == ("WATCH", 200)
    assert point.value == 1


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_how_long_a_request_took_is_not_told_by_cluster(metric: Any) -> None:
    assert ("k8s.cluster.name" in metric.attributes) == (metric.kind.value == "counter")
