"""Asks the running controller by `shoal … -o json`, in a process of its own, as a script does.

The demo could import the API's client if it were part of the core. It is not: it comes by a hook,
and what it needs must be there for every stranger too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream
from anyio.streams.text import TextReceiveStream

from shoal.binaries import Progress
from shoal.errors import BinaryUnavailable, NotRunning

Item = Mapping[str, Any]

# The answer is no, or some clusters do not answer: still an answer.
_ANSWERED = frozenset({0, 1, 6})
_ASK_SECONDS = 30.0


def find_program() -> Path:
    """The `shoal` beside this Python: the one that is running now."""
    return Path(sys.executable).with_name("shoal")


@dataclass(frozen=True, slots=True)
class Shoal:
    """The command line, pointed at one controller by its state folder."""

    state: Path
    program: Path

    async def ask(self, *arguments: str) -> Item:
        """One command's answer as JSON. Raises NotRunning when there is none."""
        return dict(json.loads(await self._run(*arguments, "-o", "json")))

    async def show(self, *arguments: str) -> str:
        """One command's answer as people see it."""
        return await self._run(*arguments)

    @asynccontextmanager
    async def follow(self, kind: str) -> AsyncIterator[AsyncIterator[Item]]:
        """`shoal get KIND --watch` as long as the block lasts: an item whenever one changes."""
        command = self._command("get", kind, "--watch", "-o", "jsonl")
        # In a session of its own, Ctrl-C in the terminal reaches us alone, and we end it.
        process = await anyio.open_process(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            assert process.stdout is not None
            yield _items(process.stdout)
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.aclose()

    async def prepare(self, progress: Progress) -> None:
        """`shoal plugin prepare`: what plugins run is there before anything waits for it."""
        process = await anyio.open_process(
            [str(self.program), "plugin", "prepare"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        async with process:
            assert process.stderr is not None
            last = ""
            async for line in TextReceiveStream(process.stderr):
                last = line.strip() or last
                progress(last, None)
            if await process.wait() != 0:
                raise BinaryUnavailable(f"a helper program cannot be had: {last}")

    def _command(self, *arguments: str) -> list[str]:
        return [str(self.program), *arguments, "--state", str(self.state)]

    async def _run(self, *arguments: str) -> str:
        with anyio.fail_after(_ASK_SECONDS):
            finished = await anyio.run_process(
                self._command(*arguments),
                stdin=subprocess.DEVNULL,
                check=False,
                start_new_session=True,
            )
        if finished.returncode not in _ANSWERED or not finished.stdout:
            said = finished.stderr.decode(errors="replace").strip()
            raise NotRunning(f"`shoal {' '.join(arguments)}` gave no answer: {said}")
        return finished.stdout.decode()


async def _items(stream: ByteReceiveStream) -> AsyncIterator[Item]:
    rest = b""
    async for chunk in stream:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)
