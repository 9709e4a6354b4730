"""SIGHUP: the configuration is read again, and the end of the terminal is an end."""

from __future__ import annotations

import os
import pty
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.composition.fake_controllers import CONFIGURATION, PROGRAM, started, wait_until

from shoal.api.client import Client

# The terminal is its own, as of a shell that was opened.
AT_A_TERMINAL = f"import fcntl, termios\nfcntl.ioctl(2, termios.TIOCSCTTY, 0)\n{PROGRAM}"


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal; the first is closed by the test."""
    ours, its = pty.openpty()
    try:
        yield ours, its
    finally:
        os.close(its)


def test_it_is_read_again_and_when_the_terminal_is_gone_it_ends_in_order(tmp_path: Path) -> None:
    with (
        terminal() as (ours, its),
        started(tmp_path, AT_A_TERMINAL, stderr=its, start_new_session=True) as process,
    ):
        (tmp_path / "config.yaml").write_text(f"{CONFIGURATION}logLevel: debug\n")
        os.kill(process.pid, signal.SIGHUP)
        wait_until(lambda: level(tmp_path / "state") == "debug")
        os.close(ours)
        out, _ = process.communicate(timeout=60)

    assert (process.returncode, out) == (0, "closed\n")


def level(state: Path) -> str:
    with Client(state) as client:
        items = client.get("configuration")["items"]
    return next(str(each["value"]) for each in items if each["setting"] == "logLevel")
