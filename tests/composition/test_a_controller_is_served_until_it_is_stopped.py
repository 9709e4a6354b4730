"""`shoal run` around a fake engine: both listeners, errors at start, signals."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio import to_thread

from shoal.api.client import Client
from shoal.api.running import answers, running
from shoal.composition.loading import Plugins
from shoal.composition.serving import Settings, serve
from shoal.errors import Permanent
from shoal.testing.controllers import FakeController

PROGRAM = """
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from shoal.cli.running import run_until_signal
from shoal.composition.loading import Plugins
from shoal.composition.serving import Settings
from shoal.testing.controllers import FakeController

@asynccontextmanager
async def open_engine(foundation):
    try:
        yield FakeController()
    finally:
        print("closed", flush=True)

state = Path(sys.argv[1])
settings = Settings(fleet="/fleet", state_folder=state, state_root=state / "root")
sys.exit(run_until_signal(settings, plugins=Plugins(), open_engine=open_engine))
"""


@asynccontextmanager
async def open_engine(foundation):
    yield FakeController()


async def test_it_announces_itself_while_it_answers(tmp_path):
    settings = Settings(
        fleet="/fleet", state_folder=tmp_path, state_root=tmp_path / "root", secrets_folder=tmp_path
    )

    async with anyio.create_task_group() as group:
        await group.start(serve, settings, Plugins(), open_engine)
        (found,) = await to_thread.run_sync(running, tmp_path / "root")
        assert (found.fleet, found.state) == ("/fleet", str(tmp_path))
        group.cancel_scope.cancel()

    assert not await to_thread.run_sync(answers, tmp_path)
    assert await to_thread.run_sync(running, tmp_path / "root") == []


async def test_webhooks_without_secrets_are_refused_at_start(tmp_path):
    settings = Settings(fleet="/fleet", state_folder=tmp_path, webhook_listen=("127.0.0.1", 0))

    with pytest.raises(Permanent, match="webhooks need secrets"):
        await serve(settings, Plugins(), open_engine)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_in_order(tmp_path, number, code):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, tmp_path], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_until(lambda: answers(tmp_path))
            with Client(tmp_path) as client:
                assert client.get("fleet")["name"] == "test"
            os.kill(process.pid, number)
            out, _ = process.communicate(timeout=10)
        finally:
            process.kill()

    assert (process.returncode, out) == (code, "closed\n")


def wait_until(fact, seconds: float = 15) -> None:
    """Poll a fact with a deadline."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        threading.Event().wait(0.02)
