"""The simplest controller there is, and its adapter: told of a push, it applies everything.

`python -m bench --controller bench.bare:BareController` measures it. At every line that it is sent
it fetches, reads all folders and applies every object to every cluster. It compares nothing, heals
nothing, prunes nothing and knows nothing after a restart: what the least effort costs, and an
example of an adapter. It is a process of its own, `python -m bench.bare ORDER`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar

import anyio
import orjson
from anyio.abc import Process

from bench.adapters import Adapter, Assignment, Offer, addresses
from bench.floor import connect, prepare, send
from bench.reading import family
from bench.scene import IN_FLIGHT
from bench.workload import Body, application_names

_WAIT_SECONDS = 90.0
_POLL_SECONDS = 0.05


class BareController(Adapter):
    """Starts the process, sends it a line per push, and reads what it has applied from a file."""

    user: ClassVar[str] = "bare"
    offers: ClassVar[frozenset[Offer]] = frozenset()

    def __init__(self, assignment: Assignment) -> None:
        self._given = assignment
        self._applied = assignment.folder / "applied"
        self._process: Process | None = None

    @property
    def pids(self) -> Sequence[int]:
        """The process, and a git command while it runs."""
        assert self._process is not None
        return family(self._process.pid)

    async def start(self) -> None:
        """Start it; it applies what is there without being told."""
        self._applied.unlink(missing_ok=True)
        order = self._given.folder / "order.json"
        order.write_text(json.dumps(self._order()))
        command = [sys.executable, "-m", "bench.bare", str(order)]
        environment = {**os.environ, **self._given.environment}
        self._process = await anyio.open_process(command, stdout=None, stderr=None, env=environment)
        await self._until(bool)

    async def stop(self) -> None:
        """It has nothing to finish: SIGTERM ends it where it stands."""
        if self._process is None:
            return
        with anyio.CancelScope(shield=True):
            if self._process.returncode is None:
                self._process.terminate()
            await self._process.aclose()
        self._process = None

    async def announce(self) -> None:
        """One line; what is in it does not matter."""
        assert self._process is not None
        assert self._process.stdin is not None
        await self._process.stdin.send(b"pushed\n")

    async def until_seen(self, revision: str) -> None:
        """Here a commit is seen when all of it was applied."""
        await self._until(lambda applied: applied == revision)

    async def _until(self, is_reached: Callable[[str], bool]) -> None:
        with anyio.fail_after(_WAIT_SECONDS):
            while not (self._applied.exists() and is_reached(self._applied.read_text())):
                if self._process is None or self._process.returncode is not None:
                    raise SystemExit("the bare controller has ended; what it said is above")
                await anyio.sleep(_POLL_SECONDS)

    def _order(self) -> Mapping[str, Any]:
        return {
            "clusters": addresses(self._given.clusters, self.user),
            "url": self._given.repository_url,
            "folders": application_names(self._given.size),
            "checkout": str(self._given.folder / "checkout"),
            "applied": str(self._applied),
        }


async def run(order: Mapping[str, Any]) -> None:
    """Apply what is there, and again at every line of the standard input, until it ends."""
    checkout = Path(order["checkout"])
    if not await anyio.Path(checkout).exists():
        _git("clone", "-q", order["url"], str(checkout))
    async with AsyncExitStack() as stack:
        sessions = await connect(order, stack)
        while True:
            revision = _git("-C", str(checkout), "rev-parse", "HEAD")
            bodies = [body for folder in order["folders"] for body in _read(checkout / folder)]
            await send(prepare(bodies), sessions, IN_FLIGHT)
            _replace(Path(order["applied"]), revision)
            if not await asyncio.to_thread(sys.stdin.readline):
                return
            _git("-C", str(checkout), "fetch", "-q", "origin", "main")
            _git("-C", str(checkout), "reset", "-q", "--hard", "FETCH_HEAD")


def _read(folder: Path) -> list[Body]:
    """The objects of one application: the workload writes its plain files as JSON."""
    return [orjson.loads(file.read_bytes()) for file in sorted(folder.glob("*.yaml"))]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _replace(file: Path, content: str) -> None:
    """At once, so that whoever reads meanwhile has the old or the new."""
    scratch = file.with_suffix(".new")
    scratch.write_text(content)
    scratch.rename(file)


if __name__ == "__main__":
    asyncio.run(run(json.loads(Path(sys.argv[1]).read_bytes())))
