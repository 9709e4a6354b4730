"""Processes that try one mutant each: forked, bounded in time and memory, some at the same time.

A process that ends by itself without having found a failing test did not notice its mutant. One
that must be ended ran out of its time, which is not the same as noticing.
"""

from __future__ import annotations

import contextlib
import enum
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

_MEMORY_BYTES = 4 << 30
_BROKEN = 70
T = TypeVar("T")


class Outcome(enum.StrEnum):
    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"
    UNREACHED = "unreached"
    """Survived without a trial: no test comes to its line."""


class Broken(Exception):
    """The process failed before any test could: a fault of the tool or of the environment."""


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """`fails` runs in a process of its own and says whether a test failed."""

    subject: T
    fails: Callable[[], bool]
    cpu_seconds: int

    @property
    def wall_seconds(self) -> float:
        """For what waits instead of working; generous, for the machine may be busy."""
        return 30.0 + 10 * self.cpu_seconds


@dataclass(frozen=True, slots=True)
class _Running(Generic[T]):
    job: Job[T]
    pid: int
    end: float


def tried(jobs: Iterable[Job[T]], workers: int) -> Iterator[tuple[T, Outcome]]:
    """Each job's outcome as it comes, at most `workers` at once; none is left running."""
    running: dict[int, _Running[T]] = {}
    waiting = iter(jobs)
    try:
        while True:
            while len(running) < workers and (job := next(waiting, None)) is not None:
                pipe, one = _started(job)
                running[pipe] = one
            if not running:
                return
            for pipe in _ended(running):
                one = running.pop(pipe)
                os.close(pipe)
                yield one.job.subject, _outcome(one)
    finally:
        for pipe, one in running.items():
            os.close(pipe)
            _end(one.pid)


def _ended(running: dict[int, _Running[T]]) -> list[int]:
    """Pipes of processes that are over, after ending those whose time is."""
    now = time.monotonic()
    patience = max(min(one.end for one in running.values()) - now, 0.0)
    ended, _, _ = select.select([*running], [], [], patience)
    late = [pipe for pipe, one in running.items() if one.end <= time.monotonic()]
    for pipe in late:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running[pipe].pid, signal.SIGXCPU)
    return [*{*ended, *late}]


def _outcome(one: _Running[T]) -> Outcome:
    _, status = os.waitpid(one.pid, 0)
    match os.waitstatus_to_exitcode(status):
        case 0:
            return Outcome.SURVIVED
        case code if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return Outcome.TIMED_OUT
        case code if code == _BROKEN:
            raise Broken(f"{one.job.subject}: its process failed before its tests")
        case _:
            return Outcome.KILLED


def _started(job: Job[T]) -> tuple[int, _Running[T]]:
    """A process at work, and the pipe that closes when it is over."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        _work(job, ours)
    os.close(theirs)
    return ours, _Running(job, pid, time.monotonic() + job.wall_seconds)


def _work(job: Job[T], pipe: int) -> NoReturn:
    code = _BROKEN
    try:
        os.close(pipe)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
        resource.setrlimit(resource.RLIMIT_CPU, (job.cpu_seconds, job.cpu_seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        with silence():
            code = int(job.fails())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Nothing that is printed meanwhile is seen, whoever prints it."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for saved, standard in zip(kept, (1, 2), strict=True):
            os.dup2(saved, standard)
            os.close(saved)
        os.close(nowhere)


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
