"""A receiver on loopback that fails, hangs and comes back, and a batch to send to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from shoal.hooks.host import Host
from shoal.model.alerts import Batch, Event, EventKind, Purpose, Stage, Topic
from shoal.model.identity import Ref
from shoal.testing.hosts import make_host

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """Answers with `status`, `headers` and `text`; hangs while `is_hanging`.

    `received` is all that came, `taken` what was answered with a 2xx.
    """

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: str = "ok"
    is_hanging: bool = False
    received: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def answer(self, request: web.Request) -> web.Response:
        one = Received(dict(request.headers), await request.read())
        self.received.append(one)
        if self.is_hanging:
            await asyncio.Event().wait()
        if self.status == 200:
            self.taken.append(one)
        return web.Response(status=self.status, headers=self.headers, text=self.text)

    async def start(self) -> None:
        """Listen, at the same port as before if there was one."""
        application = web.Application()
        application.router.add_post("/hook", self.answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def trouble(self, what: str) -> None:
        match what:
            case "fails":
                self.status = 500
            case "hangs":
                self.is_hanging = True
            case _:
                await self.stop()

    async def recover(self) -> None:
        self.status, self.headers, self.is_hanging = 200, {}, False
        if self._runner is None:
            await self.start()


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    serving = Receiver()
    await serving.start()
    yield serving
    await serving.stop()


@pytest.fixture
def host(tmp_path: Path, receiver: Receiver) -> Host:
    secrets = {
        "default/signing": {"key": b"a key that both know\n"},
        "default/chat": {"url": receiver.url.encode()},
        "default/empty": {"other": b"x"},
        "default/odd": {"url": b"no address"},
    }
    return make_host(tmp_path, secrets=secrets)


@pytest.fixture
def batch() -> Batch:
    events = tuple(
        Event(
            seq=number,
            at=AT,
            kind=EventKind.FAILED,
            stage=Stage.BEGAN,
            what="target.failed",
            subject=f"default/web@c{number}",
            namespace="default",
            application="default/web",
            cluster=f"c{number}",
            who="Ana <ana@example.org>",
            change="Bump web to 3.9",
            revision="0123456789abcdef",
            message="Deployment default/web: quota exceeded",
            next_step="raise the quota",
            trouble=f"Failed default/web@c{number}",
        )
        for number in (1, 2)
    )
    topic = Topic(
        title="web failed on c1 and c2",
        kind=EventKind.FAILED,
        stage=Stage.BEGAN,
        clusters=("c1", "c2"),
        message="Deployment default/web: quota exceeded",
        change="Bump web to 3.9",
        who="Ana <ana@example.org>",
        revision="0123456789abcdef",
        next_step="shoal describe tg web@c1",
    )
    return Batch(
        id="batch-0123456789abcdef",
        alert=Ref("default", "on-call"),
        fleet="shop",
        at=AT,
        purpose=Purpose.NEWS,
        title=topic.title,
        topics=(topic,),
        events=events,
        open_troubles=2,
        link="https://runbook.example.org/web",
    )
