"""The demo's Git server tells of pushes, and the webhook listener believes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from multidict import CIMultiDict

from shoal.api.webhooks import verified_forge
from shoal_clusters.demo.announcing import Webhook
from shoal_clusters.demo.git_server import GitServer, Push
from shoal_clusters.demo.repository import WorkingCopy, create_bare


async def test_each_push_is_told_with_the_commits_around_it(tmp_path: Path) -> None:
    pushes: list[Push] = []

    async def hear(push: Push) -> None:
        pushes.append(push)

    await create_bare(tmp_path / "fleet.git")
    async with GitServer(tmp_path) as server:
        server.on_push = hear
        copy = WorkingCopy(tmp_path / "work", server.url("fleet"))
        first = await copy.begin({"a.txt": b"1"}, "Begin")
        second = await copy.replace("a.txt", "1", "2", "Change")
        third = await copy.revert(second)

    main = "refs/heads/main"
    assert pushes == [
        Push("fleet", main, "0" * 40, first),
        Push("fleet", main, first, second),
        Push("fleet", main, second, third),
    ]


async def test_an_announcement_is_signed_as_the_listener_expects() -> None:
    heard: list[tuple[Mapping[str, str], bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append((CIMultiDict(request.headers), await request.read()))
        return web.Response(status=202)

    application = web.Application()
    application.router.add_post("/hooks/default/fleet", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/default/fleet"
    push = Push("fleet", "refs/heads/main", "a" * 40, "b" * 40)

    await Webhook(url, b"a secret").announce(push)
    await runner.cleanup()
    await Webhook(url, b"a secret").announce(push)  # nobody listens: nothing happens

    ((headers, body),) = heard
    assert verified_forge(headers, body, b"a secret") == "github"
    assert verified_forge(headers, body, b"another") == ""
