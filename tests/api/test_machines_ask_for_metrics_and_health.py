"""The listener for monitoring: metrics, liveness, readiness, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import anyio
import pytest

from shoal.api.listening import open_tcp_socket, serve_http
from shoal.api.monitoring import metrics_application
from shoal.testing.controllers import FakeController


@asynccontextmanager
async def asking(controller: FakeController) -> AsyncIterator[aiohttp.ClientSession]:
    listener = open_tcp_socket("127.0.0.1", 0)
    host, port = listener.getsockname()
    async with anyio.create_task_group() as group:
        serving = metrics_application(controller)

        async def serve(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            await serve_http(serving, listener, local=False, task_status=task_status)

        await group.start(serve)
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
            yield session
        group.cancel_scope.cancel()


async def test_metrics_are_a_page_that_prometheus_takes() -> None:
    async with asking(FakeController(metrics_page=b"up 1\n")) as session:
        answer = await session.get("/metrics")
        page = await answer.read()

    assert (answer.status, page) == (200, b"up 1\n")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(("is_ready", "status"), [(True, 200), (False, 503)])
async def test_it_is_ready_once_the_state_is_loaded_and_lives_before(
    is_ready: bool, status: int
) -> None:
    async with asking(FakeController(is_ready=is_ready)) as session:
        ready, healthy = await session.get("/readyz"), await session.get("/healthz")

    assert (ready.status, healthy.status) == (status, 200)


async def test_nothing_can_be_asked_or_changed_here_beside_that() -> None:
    async with asking(FakeController()) as session:
        answers = [
            await session.get("/api/v1/targets"),
            await session.post("/metrics"),
            await session.post("/hooks/default/apps"),
        ]

    assert [answer.status for answer in answers] == [404, 405, 404]
