"""`shoal run` with instruments beside it: the loop's lag, renders, and samples of its stacks.

Started by `controller` in place of `shoal run`, for the rows that no audit log can tell. The
program is the same; it is handed an engine with one more task beside it, and renderers that note
when they are called. What was seen is written when it ends, as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
import orjson

from shoal.cli.running import run_until_signal
from shoal.composition.engine import open_engine
from shoal.composition.loading import load_plugins
from shoal.composition.serving import Foundation, Settings
from shoal.engine.controller import Controller
from shoal.hooks.host import Host
from shoal.hooks.renderers import Folder, Renderer
from shoal.model.choice import Spec
from shoal.model.manifests import Manifest

TICK_SECONDS = 0.005
SAMPLE_SECONDS = 0.002
_DEEPEST = 40


@dataclass(slots=True)
class Record:
    """What is written at the end; all times are seconds since the epoch."""

    lags: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    renders: list[float] = field(default_factory=list[float])
    samples: list[tuple[float, list[str]]] = field(default_factory=list[tuple[float, list[str]]])


async def tick(note: Callable[[float, float], None]) -> None:
    """Sleep on and on for a tick, and note how much later than asked it ended; never ends."""
    while True:
        due = time.monotonic() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        note(time.time(), max(0.0, time.monotonic() - due))


class NotedRenderer:
    """A renderer that notes when it is called; the memo in front of it is not."""

    def __init__(self, renderer: Renderer[Any], note: Callable[[float], None]) -> None:
        self._renderer = renderer
        self._note = note
        self.name = renderer.name
        self.version = renderer.version
        self.spec = renderer.spec
        self.markers = renderer.markers

    async def render(self, parameters: Spec, folder: Folder, host: Host) -> Sequence[Manifest]:
        """What the renderer itself gives."""
        self._note(time.time())
        return await self._renderer.render(parameters, folder, host)


def main() -> int:
    """Run the controller until a signal, then write the record."""
    given = _arguments()
    settings = Settings(
        fleet=given.fleet,
        state_folder=given.state,
        secrets_folder=given.secrets,
        webhook_listen=("127.0.0.1", given.port),
    )
    record = Record()
    plugins = load_plugins()
    renderers = {
        name: NotedRenderer(one, record.renders.append) for name, one in plugins.renderers.items()
    }

    @asynccontextmanager
    async def watched_engine(foundation: Foundation) -> AsyncIterator[Controller]:
        async with open_engine(foundation) as controller, anyio.create_task_group() as tasks:
            if not given.profile:
                tasks.start_soon(tick, lambda at, lag: record.lags.append((at, lag)))
            yield controller
            tasks.cancel_scope.cancel()

    if given.profile:
        _sample_into(record)
    try:
        return run_until_signal(
            settings, plugins=replace(plugins, renderers=renderers), open_engine=watched_engine
        )
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        given.record.write_bytes(orjson.dumps(record))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.instrumented", description=__doc__)
    parser.add_argument("--fleet", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--profile", action="store_true")
    for name in ("--state", "--secrets", "--record"):
        parser.add_argument(name, type=Path, required=True)
    return parser.parse_args()


def _sample_into(record: Record) -> None:
    """Note the stack of the main thread at every 2 ms of CPU that the process uses.

    CPU of other threads is noted where the main thread waits meanwhile: in `select`.
    """

    def note(number: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        while frame is not None and len(stack) < _DEEPEST:
            code = frame.f_code
            stack.append(f"{code.co_filename}:{code.co_qualname}")
            frame = frame.f_back
        record.samples.append((time.time(), stack))

    signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
