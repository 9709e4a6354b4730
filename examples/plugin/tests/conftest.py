"""A web server on loopback whose files a test can change."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web


@dataclass
class Server:
    """Serves `files` by path and takes what is posted; any other path is 404.

    `status` is what it answers instead of 200, `token` the one that it asks for.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    token: str = ""
    url: str = ""
    posted: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """As many servers do."""
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        if request.method == "POST" and self.status == 200:
            self.posted.append(json.dumps(await request.json(), ensure_ascii=False))
        if request.method == "POST":
            return web.Response(status=self.status)
        if request.path not in self.files:
            return web.Response(status=404)
        return web.Response(status=self.status, body=self.files[request.path])


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """It listens on loopback only."""
    serving = Server()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", serving.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    serving.url = f"http://{host}:{port}"
    yield serving
    await runner.cleanup()
