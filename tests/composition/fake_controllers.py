"""A controller around a fake engine, as a process of its own that can be sent signals."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shoal.api.running import answers

PROGRAM = """
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from shoal.cli.running import run_until_signal
from shoal.composition.configuration_file import read_file
from shoal.composition.configuring import configure
from shoal.composition.loading import Plugins
from shoal.testing.controllers import FakeController

@asynccontextmanager
async def open_engine(foundation):
    try:
        yield FakeController()
    finally:
        print("closed", flush=True)

configured = configure({}, read_file(Path(sys.argv[1])))
sys.exit(run_until_signal(configured, plugins=Plugins(), open_engine=open_engine))
"""
CONFIGURATION = "apiVersion: shoal.dev/v1alpha1\nkind: Configuration\nfleet: fleet\nstate: state\n"


@contextmanager
def started(folder: Path, program: str = PROGRAM, **how: Any) -> Iterator[subprocess.Popen[str]]:
    """It answers at `folder/state`, reads `folder/config.yaml`, and announces itself nowhere else.

    Killed at the end of the context, if it has not ended before.
    """
    file = folder / "config.yaml"
    file.write_text(CONFIGURATION)
    command = [sys.executable, "-c", program, str(file)]
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "root")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, **how
    ) as process:
        try:
            wait_until(lambda: answers(folder / "state"))
            yield process
        finally:
            process.kill()


def wait_until(fact: Callable[[], bool], seconds: float = 60) -> None:
    """Poll a fact with a deadline."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        threading.Event().wait(0.02)
