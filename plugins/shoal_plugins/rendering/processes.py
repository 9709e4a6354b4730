"""One process of the render worker: started, spoken to in frames, ended.

The process gets an empty environment and two pipes, and nothing else of ours. It ends by itself
when nobody asked it anything for a while, or when its pipes close, so that it outlives no
controller. Whoever is cancelled while it renders ends it: there is no way to stop a template
halfway. Used by `worker`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from shoal_plugins.rendering.frames import BrokenFrame, Frame, encode, receive

_KEPT_STDERR = 4 * 1024
_ENDING_SECONDS = 5.0


class WorkerEnded(Exception):
    """The process is gone; `status` as `wait` gives it, `said` the start of what it printed."""

    def __init__(self, status: int | None, said: str) -> None:
        super().__init__(f"the render worker ended with status {status}")
        self.status = status
        self.said = said


@dataclass(slots=True)
class WorkerProcess:
    """A running worker. One conversation at a time."""

    process: Process
    incoming: BufferedByteReceiveStream

    @classmethod
    async def start(cls, program: Path, *arguments: str) -> WorkerProcess:
        """Start one; OSError when the program cannot be run."""
        process = await anyio.open_process(
            [program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A stack of goroutines would fill the pipe, and nobody reads it before the end.
            env={"HOME": "/nonexistent", "GOTRACEBACK": "none"},
            cwd="/",
            start_new_session=True,  # a Ctrl-C in a terminal is for the controller alone
        )
        assert process.stdout is not None
        return cls(process, BufferedByteReceiveStream(process.stdout))

    @property
    def is_running(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self.process.returncode is None

    async def say(self, header: Mapping[str, Any], parts: Sequence[bytes] = ()) -> None:
        """Send one frame; WorkerEnded when nobody reads it."""
        assert self.process.stdin is not None
        try:
            await self.process.stdin.send(encode(header, parts))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise await self._ended() from None

    async def hear(self) -> Frame:
        """The next frame; WorkerEnded when there is none, or when what came is no frame."""
        try:
            return await receive(self.incoming.receive_exactly)
        except (anyio.IncompleteRead, anyio.EndOfStream, anyio.ClosedResourceError, BrokenFrame):
            raise await self._ended() from None

    async def end(self) -> None:
        """Kill it, whatever it does, and let go of its pipes; never raises."""
        with anyio.CancelScope(shield=True):
            if self.is_running:
                self.process.kill()
            await self.process.aclose()

    async def _ended(self) -> WorkerEnded:
        """Its status and what it said of it; one that goes on without speaking is killed."""
        assert self.process.stderr is not None
        said = b""
        status: int | None = None
        with anyio.move_on_after(_ENDING_SECONDS):
            try:
                while True:  # the reason comes first, stacks of goroutines after it
                    said = (said + await self.process.stderr.receive())[:_KEPT_STDERR]
            except (anyio.EndOfStream, anyio.ClosedResourceError):
                status = await self.process.wait()
        return WorkerEnded(status, said.decode(errors="replace"))
