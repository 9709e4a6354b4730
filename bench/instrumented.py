"""`shoal run` with instruments beside it: the loop's lag, renders, and samples of its stacks.

Started by `controller` in place of `shoal run`, for the rows that no audit log can tell. The
program is the same; it is handed an engine with one more task beside it, and renderers that note
when they are called. What was seen is written when it ends, as JSON.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
import orjson

from bench.ticking import TICK_SECONDS, tick
from shoal.cli.running import run_until_signal
from shoal.composition.configuring import Configured
from shoal.composition.engine import open_engine
from shoal.composition.loading import load_plugins
from shoal.composition.serving import Foundation
from shoal.composition.settings import Settings
from shoal.engine.controller import Controller
from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder, Renderer
from shoal.model.choice import Spec
from shoal.model.manifests import Manifest

SAMPLE_SECONDS = 0.002
HELD_SECONDS = 0.02
_DEEPEST = 40


Sample = tuple[float, list[str]]


@dataclass(slots=True)
class Record:
    """What is written at the end; all times are seconds since the epoch."""

    lags: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    renders: list[float] = field(default_factory=list[float])
    samples: list[Sample] = field(default_factory=list[Sample])
    # Where the loop was while it came late: a sample every 10 ms beyond the first 20.
    held: list[Sample] = field(default_factory=list[Sample])


class NotedRenderer:
    """A renderer that notes when it is called; the memo in front of it is not."""

    def __init__(self, renderer: Renderer[Any], note: Callable[[float], None]) -> None:
        self._renderer = renderer
        self._note = note
        self.name = renderer.name
        self.version = renderer.version
        self.spec = renderer.spec
        self.markers = renderer.markers

    async def render(
        self, parameters: Spec, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        """What the renderer itself gives."""
        self._note(time.time())
        return await self._renderer.render(parameters, folder, facts, host)


def main() -> int:
    """Run the controller until a signal, then write the record."""
    given = _arguments()
    settings = Settings(
        fleet=given.fleet,
        state=given.state,
        secrets=given.secrets,
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
                _watch_ticks(record)
                tasks.start_soon(tick, lambda at, lag: record.lags.append((at, lag)))
            yield controller
            tasks.cancel_scope.cancel()

    if given.profile:
        _sample_into(record)
    try:
        return run_until_signal(
            Configured.by_default(settings),
            plugins=replace(plugins, renderers=renderers),
            open_engine=watched_engine,
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
        record.samples.append((time.time(), _stack(frame)))

    signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)


def _watch_ticks(record: Record) -> None:
    """From a thread beside the loop, note where the loop is whenever a tick is overdue."""
    main = threading.main_thread().ident
    assert main is not None

    def watch() -> None:
        while True:
            time.sleep(TICK_SECONDS * 2)
            ticked = record.lags[-1][0] if record.lags else time.time()
            if time.time() - ticked > TICK_SECONDS + HELD_SECONDS:
                frame = sys._current_frames().get(main)  # the only way to see another thread
                record.held.append((time.time(), _stack(frame)))

    threading.Thread(target=watch, daemon=True).start()


def _stack(frame: FrameType | None) -> list[str]:
    """Innermost first."""
    stack: list[str] = []
    while frame is not None and len(stack) < _DEEPEST:
        code = frame.f_code
        stack.append(f"{code.co_filename}:{code.co_qualname}")
        frame = frame.f_back
    return stack


if __name__ == "__main__":
    sys.exit(main())
