"""Runs a build tool to its end: lines as they come, the last of them when it fails.

Used by the build steps only. A cancelled caller leaves no process behind: the tool has a process
group of its own, which is killed before the cancellation goes on.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import PIPE

import anyio
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.text import TextReceiveStream

_LAST_LINES = 15  # what a person reads of a failed build; the cause is at the end of Go's output


class ToolFailed(Exception):
    """A tool ended with an error; the message holds its last lines."""


async def run_tool(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Run `command` and return the lines of its standard output; `on_line` hears stderr.

    Raises ToolFailed when it ends with an error or cannot be started.
    """
    out: list[str] = []
    last: deque[str] = deque(maxlen=_LAST_LINES)

    def hear(line: str) -> None:
        last.append(line)
        on_line(line)

    process = await _start(command, folder, environment)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_each_line, process.stdout, out.append)
            group.start_soon(_each_line, process.stderr, hear)
        code = await process.wait()
    except BaseException:
        _kill_group(process)
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await process.aclose()
    if code != 0:
        raise ToolFailed(f"{Path(command[0]).name} ended with {code}:\n" + "\n".join(last))
    return out


async def _start(
    command: Sequence[str | Path], folder: Path | None, environment: Mapping[str, str] | None
) -> Process:
    try:
        return await anyio.open_process(
            [str(part) for part in command],
            stdin=None,
            stdout=PIPE,
            stderr=PIPE,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise ToolFailed(f"{command[0]} cannot be started: {error.strerror}") from error


async def _each_line(stream: ByteReceiveStream | None, on_line: Callable[[str], None]) -> None:
    assert stream is not None
    rest = ""
    async for text in TextReceiveStream(stream, errors="replace"):
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            on_line(line)
    if rest:
        on_line(rest)


def _kill_group(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
