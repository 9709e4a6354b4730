"""`shoal run` around a fake engine: both listeners, errors at start, signals."""

import http.client
import os
import signal
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import anyio
import pytest
from anyio import to_thread
from tests.composition.fake_controllers import PROGRAM, started

from shoal.api.client import Client
from shoal.api.listening import open_tcp_socket
from shoal.api.running import answers, running
from shoal.composition.configuring import Configured
from shoal.composition.loading import Plugins
from shoal.composition.reloading import LiveConfiguration
from shoal.composition.serving import serve
from shoal.composition.settings import Settings
from shoal.errors import Permanent
from shoal.telemetry.masking import Masking
from shoal.testing.controllers import FakeController


@asynccontextmanager
async def open_engine(foundation):
    yield FakeController()


def configured(**values):
    return LiveConfiguration(Configured.by_default(Settings(fleet="/fleet", **values)))


async def test_it_announces_itself_while_it_answers(tmp_path):
    configuration = configured(state=tmp_path, secrets=tmp_path)
    start = partial(serve, announced_below=tmp_path / "root")

    async with anyio.create_task_group() as group:
        await group.start(start, configuration, Plugins(), open_engine, Masking())
        (found,) = await to_thread.run_sync(running, tmp_path / "root")
        assert (found.fleet, found.state) == ("/fleet", str(tmp_path))
        group.cancel_scope.cancel()

    assert not await to_thread.run_sync(answers, tmp_path)
    assert await to_thread.run_sync(running, tmp_path / "root") == []


async def test_clusters_are_asked_as_often_as_it_was_told(tmp_path):
    configuration = configured(state=tmp_path, probe_interval=timedelta(minutes=1))
    given = []

    @asynccontextmanager
    async def open_noting(foundation):
        given.append(foundation)
        yield FakeController()

    async with anyio.create_task_group() as group:
        start = partial(serve, announced_below=tmp_path / "root")
        await group.start(start, configuration, Plugins(), open_noting, Masking())
        group.cancel_scope.cancel()

    assert given[0].timing.probe_interval == timedelta(minutes=1)


async def test_webhooks_without_secrets_are_refused_at_start(tmp_path):
    configuration = configured(state=tmp_path, webhook_listen=("127.0.0.1", 0))

    with pytest.raises(Permanent, match="webhooks need secrets"):
        await serve(configuration, Plugins(), open_engine, Masking())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_in_order(tmp_path, number, code):
    with started(tmp_path) as process:
        with Client(tmp_path / "state") as client:
            assert client.get("fleet")["name"] == "test"
        os.kill(process.pid, number)
        out, _ = process.communicate(timeout=10)

    assert (process.returncode, out) == (code, "closed\n")


def test_a_second_interrupt_does_not_wait(tmp_path):
    stuck = PROGRAM.replace(
        'print("closed", flush=True)',
        """import anyio
        with anyio.CancelScope(shield=True):
            print("stuck", flush=True)
            await anyio.sleep_forever()""",
    )
    with started(tmp_path, stuck) as process:
        os.kill(process.pid, signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.readline() == "stuck\n"
        os.kill(process.pid, signal.SIGINT)
        process.wait(timeout=60)

    assert process.returncode == 130


async def test_webhooks_are_answered_on_their_own_port(tmp_path):
    with open_tcp_socket("127.0.0.1", 0) as found:
        address = found.getsockname()
    configuration = configured(state=tmp_path / "state", secrets=tmp_path, webhook_listen=address)
    start = partial(serve, announced_below=tmp_path / "root")

    def post(path: str) -> int:
        connection = http.client.HTTPConnection(*address, timeout=5)
        connection.request("POST", path, b"{}")
        status = connection.getresponse().status
        connection.close()
        return status

    async with anyio.create_task_group() as group:
        await group.start(start, configuration, Plugins(), open_engine, Masking())
        assert await to_thread.run_sync(post, "/hooks/default/platform") == 403
        assert await to_thread.run_sync(post, "/api/v1/applications/default/web/sync") == 404
        group.cancel_scope.cancel()
