"""SIGHUP: the configuration is read again, and the end of the terminal is an end."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shoal.api.client import Client
from shoal.api.running import answers

PROGRAM = """
import fcntl, sys, termios
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

fcntl.ioctl(2, termios.TIOCSCTTY, 0)  # the terminal is its own, as of a shell that was opened
configured = configure({}, read_file(Path(sys.argv[1])))
sys.exit(run_until_signal(configured, plugins=Plugins(), open_engine=open_engine))
"""
HEAD = "apiVersion: shoal.dev/v1alpha1\nkind: Configuration\nfleet: fleet\nstate: state\n"


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal; the first is closed by the test."""
    ours, its = pty.openpty()
    try:
        yield ours, its
    finally:
        os.close(its)


def test_it_is_read_again_and_when_the_terminal_is_gone_it_ends_in_order(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(HEAD)
    command = [sys.executable, "-c", PROGRAM, str(file)]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "root")}

    with (
        terminal() as (ours, its),
        subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=its,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            wait_until(lambda: answers(tmp_path / "state"))
            file.write_text(f"{HEAD}logLevel: debug\n")
            os.kill(process.pid, signal.SIGHUP)
            wait_until(lambda: level(tmp_path / "state") == "debug")
            os.close(ours)
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()

    assert (process.returncode, out) == (0, "closed\n")


def level(state: Path) -> str:
    with Client(state) as client:
        items = client.get("configuration")["items"]
    return next(str(each["value"]) for each in items if each["setting"] == "logLevel")


def wait_until(fact: Callable[[], bool], seconds: float = 60) -> None:
    """Poll a fact with a deadline."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        threading.Event().wait(0.02)
