"""`shoal demo` as a process of its own, in a temporary folder that can be looked into."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import pytest

from shoal_clusters.controlplane.fixtures import kubernetes_under_test

PROGRAM = Path(sys.executable).with_name("shoal")
# Makes standard input its terminal, so that ^C reaches it as it would reach a person's program.
_ON_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass
class Demo:
    """One running demo: what it wrote so far, and whether anything of it is left."""

    process: subprocess.Popen[bytes]
    folder: Path
    output: bytearray = field(default_factory=bytearray)
    terminal: int = -1
    _news: threading.Event = field(default_factory=threading.Event)

    def press(self, key: bytes) -> None:
        """Press a key on its terminal."""
        os.write(self.terminal, key)

    def text(self) -> str:
        """Everything it wrote, on both streams."""
        return self.output.decode(errors="replace")

    def wait_for(self, text: str, *, seconds: float = 150) -> None:
        """Wait until it wrote this; fails with all it wrote when it ends before or is too late."""
        self.wait_until(lambda: text in self.text(), seconds=seconds)

    def wait_until(self, fact: Callable[[], bool], *, seconds: float = 150) -> None:
        deadline = monotonic() + seconds
        while not fact():
            assert self.process.poll() is None, f"it ended before:\n{self.text()}"
            assert monotonic() < deadline, f"not within {seconds} s:\n{self.text()}"
            self._news.wait(0.02)

    def end(self) -> int:
        """Its exit code, when it has ended by itself."""
        return self.process.wait(30)

    def stage(self) -> Path:
        """Its one folder."""
        (folder,) = self.folder.iterdir()
        return folder

    def left_behind(self) -> list[str]:
        """Files in its folder, and the command lines of processes that name it."""
        listed = subprocess.run(["ps", "-ww", "-eo", "command="], capture_output=True, text=True)
        running = [line for line in listed.stdout.splitlines() if str(self.folder) in line]
        return [*(str(path) for path in self.folder.iterdir()), *running]


StartDemo = Callable[..., Demo]


@pytest.fixture
def start_demo(tmp_path: Path, local_control_planes: object) -> Iterator[StartDemo]:
    """Starts `shoal demo …` on a terminal of its own; `local_control_planes` has the programs."""
    started: list[Demo] = []

    def start(*arguments: str) -> Demo:
        folder = tmp_path / "tmp"
        folder.mkdir()
        minor = kubernetes_under_test()
        version = ("--kubernetes", minor) if minor else ()
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", _ON_A_TERMINAL, PROGRAM, "demo", *version, *arguments],
            env={
                **os.environ,
                "TMPDIR": str(folder),
                "XDG_STATE_HOME": str(tmp_path / "state"),
                "TERM": "xterm-256color",
                "COLUMNS": "120",
            },
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        started.append(Demo(process, folder, terminal=master))
        threading.Thread(target=_read, args=(master, started[-1].output), daemon=True).start()
        return started[-1]

    yield start
    for demo in started:
        if demo.process.poll() is None:
            demo.process.send_signal(signal.SIGTERM)
            demo.process.wait(60)


def _read(master: int, into: bytearray) -> None:
    """Until the last process that has the terminal is gone."""
    with suppress(OSError):
        while chunk := os.read(master, 65536):
            into.extend(chunk)
    os.close(master)
