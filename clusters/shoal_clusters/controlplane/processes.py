"""Starts and ends the programs of a control plane so that none of them outlives its owner.

A program is started by a tiny launcher, which asks Linux to kill it when we die (prctl(2),
PR_SET_PDEATHSIG) and then becomes the program; it has its own session, so Ctrl-C in a terminal
reaches us, not it. A *detached* program is meant to stay (`shoal cluster local up`): its parent is
init, and it is found again by the pid file beside its log. A pid may have been given to another
process meanwhile, so one is signalled only when its command line names the folder of that log.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from anyio import CancelScope, to_thread

from shoal_clusters.controlplane.waiting import wait_until

_LAST_LINES = 12
_EXEC_LOOKS = 5000  # some 100 ms
_KILL_SECONDS = 10.0  # a killed process is gone at once, unless the machine itself hangs

# argv: "attached" with our pid, or "detached" with the log file; then the program.
_LAUNCHER = """
import os, signal, sys
mode, argument, *command = sys.argv[1:]
if mode == "attached":
    if sys.platform == "linux":
        import ctypes
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != int(argument):
        os._exit(1)
else:
    log = os.open(argument, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pid = os.fork()
    if pid:
        print(pid)
        sys.exit()
    with open(argument.removesuffix(".log") + ".pid", "w") as file:
        file.write(str(os.getpid()))
    os.dup2(log, 1)
    os.dup2(log, 2)
os.execv(command[0], command)
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A program that was started here, by this process or (detached) by an earlier one."""

    pid: int
    log: Path
    child: subprocess.Popen[bytes] | None = None

    def is_alive(self) -> bool:
        """Whether this very process still exists; a stopped (SIGSTOP) one does."""
        if self.child is not None:
            return self.child.poll() is None
        return str(self.log.parent) in command_of(self.pid)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process is gone."""
        if self.is_alive():
            os.kill(self.pid, number)

    def pause(self) -> None:
        """Stop it where it stands; when this returns, none of its threads runs any more."""
        self.send(signal.SIGSTOP)
        if self.child is not None:
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    async def end(self, *, grace_seconds: float) -> None:
        """Ask it to end, and kill it when it has not within `grace_seconds` (0: at once)."""
        if grace_seconds > 0:
            self.send(signal.SIGTERM)
            # A stopped process hears SIGTERM only when it goes on.
            self.send(signal.SIGCONT)
            if await wait_until(self._is_gone, seconds=grace_seconds):
                return
        self.send(signal.SIGKILL)
        await wait_until(self._is_gone, seconds=_KILL_SECONDS)

    async def last_lines(self) -> str:
        """The end of its log, where a program that does not start says why."""
        return await to_thread.run_sync(_tail, self.log)

    async def _is_gone(self) -> bool:
        return not await to_thread.run_sync(self.is_alive)


async def start_program(command: Sequence[str | Path], *, log: Path, is_detached: bool) -> Running:
    """Start a program whose output goes to `log`; see the module for what detached means."""
    # PR_SET_PDEATHSIG fires when the *thread* that forked ends, and a worker thread of anyio ends
    # after ten idle seconds: so one thread that lives as long as we do starts all of them.
    start = _start_detached if is_detached else _start_attached
    starting = _spawner().submit(start, [str(part) for part in command], log)
    try:
        return await asyncio.wrap_future(starting)
    except asyncio.CancelledError:
        # Nobody will hear of a process that is being started just now.
        if not starting.cancelled():
            with CancelScope(shield=True):
                await to_thread.run_sync(_kill_unheard_of, starting)
        raise


def find_detached(log: Path) -> Running | None:
    """The program that was started detached with this log, when it still runs."""
    try:
        running = Running(int(log.with_suffix(".pid").read_text()), log)
    except (OSError, ValueError):
        return None
    return running if running.is_alive() else None


def command_of(pid: int) -> str:
    """The command line of a process, empty when there is none or it has ended."""
    if sys.platform == "linux":
        return _linux_command_of(pid)
    asked = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()


def _linux_command_of(pid: int) -> str:
    """Also that of a process which is just becoming another program: it has none for a moment."""
    folder = Path(f"/proc/{pid}")
    try:
        for _ in range(_EXEC_LOOKS):
            command = (folder / "cmdline").read_bytes()
            (folder / "exe").readlink()  # one that has ended, and nobody asked how, has none
            if command:
                return command.replace(b"\0", b" ").decode()
            os.sched_yield()
    except OSError:
        pass
    return ""


def _start_attached(command: list[str], log: Path) -> Running:
    launcher = [sys.executable, "-ISc", _LAUNCHER, "attached", str(os.getpid())]
    with log.open("ab") as output:
        child = subprocess.Popen(
            [*launcher, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Running(child.pid, log, child)


def _start_detached(command: list[str], log: Path) -> Running:
    printed = subprocess.run(
        [sys.executable, "-ISc", _LAUNCHER, "detached", str(log), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        check=True,
    )
    return Running(int(printed.stdout), log)


def _kill_unheard_of(starting: Future[Running]) -> None:
    process = starting.result()
    process.send(signal.SIGKILL)
    if process.child is not None:
        process.child.wait(_KILL_SECONDS)


@cache
def _spawner() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="start-program")


def _tail(log: Path) -> str:
    try:
        with log.open(errors="replace") as lines:
            return "".join(deque(lines, _LAST_LINES)).strip()
    except OSError:
        return "(no log)"
