"""A real smart-HTTP Git server on loopback, for the demo and for tests; never part of `shoal run`.

Git's own `git http-backend` answers, so what is fetched and pushed here is what a forge would give.
Around it: an optional token, counters of what was asked, a stop and start on the same port, a
behaviour that can be turned to failing or hanging, and a call to whoever wants to hear of pushes.
Serves the bare repositories below one folder.
"""

from __future__ import annotations

import base64
import hmac
import os
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import anyio
from aiohttp import web

_LARGEST_PUSH = 256 * 1024 * 1024
_BACKEND_SECONDS = 120.0
_STOP_SECONDS = 1.0
_CONFIGURATION = {
    "http.receivepack": "true",
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "safe.directory": "*",
}


class Behaviour(StrEnum):
    """How the server answers."""

    SERVE = "serve"
    FAIL = "fail"
    HANG = "hang"
    REDIRECT = "redirect"


class Push(NamedTuple):
    """One accepted push: the repository's name, and its first ref with the commits around it."""

    repository: str
    ref: str
    before: str
    after: str


OnPush = Callable[[Push], Awaitable[None]]


class GitServer:
    """Serves every bare repository below `folder`; use it as an async context manager.

    `token` is asked for as the password of Basic, or as Bearer. `asked` counts by what a request is
    for: `refs` (the start of a conversation), `ls-refs`, `fetch`, `push`; `sent_bytes` is how much
    was answered. `on_push` is awaited before the one who pushes gets his answer, so it must be
    quick and must not raise.
    """

    def __init__(self, folder: Path, *, token: str | None = None, port: int = 0) -> None:
        self.folder = folder
        self.token = token
        self.behaviour = Behaviour.SERVE
        self.asked: Counter[str] = Counter()
        self.sent_bytes = 0
        self.on_push: OnPush | None = None
        self._port = port
        self._runner: web.AppRunner | None = None

    def url(self, name: str) -> str:
        """The address of one repository, valid over stops and starts."""
        return f"http://127.0.0.1:{self._port}/{name}.git"

    async def start(self) -> None:
        """Listen, on the same port as before when there was one."""
        application = web.Application(client_max_size=_LARGEST_PUSH)
        application.router.add_route("*", "/{path:.+}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_STOP_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port, reuse_address=True).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._port = int(runner.addresses[0][1])
        self._runner = runner

    async def stop(self) -> None:
        """Close the port and cut what is in flight; nothing happens when it is stopped."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked[_purpose(request, body)] += 1
        if self.behaviour is Behaviour.HANG:
            await anyio.sleep_forever()
        if self.behaviour is Behaviour.FAIL:
            return web.Response(status=503, text="told to fail\n")
        if self.behaviour is Behaviour.REDIRECT:
            return web.Response(status=302, headers={"Location": f"/elsewhere{request.path_qs}"})
        if not self._is_allowed(request.headers.get("Authorization", "")):
            challenge = {"WWW-Authenticate": 'Basic realm="git"'}
            return web.Response(status=401, headers=challenge, text="a token is needed\n")
        response = await anyio.to_thread.run_sync(_run_backend, self._variables(request), body)
        self.sent_bytes += response.content_length or 0
        push = _read_push(request, body) if response.status == 200 else None
        if push is not None and self.on_push is not None:
            await self.on_push(push)
        return response

    def _is_allowed(self, authorization: str) -> bool:
        if self.token is None:
            return True
        scheme, _, value = authorization.partition(" ")
        given = value.encode()
        if scheme == "Basic":
            try:
                given = base64.b64decode(value, validate=True).partition(b":")[2]
            except ValueError:
                return False
        return hmac.compare_digest(given, self.token.encode())

    def _variables(self, request: web.Request) -> Mapping[str, str]:
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": str(len(_CONFIGURATION)),
            # The content encoding was undone by aiohttp, so its header and length are left out.
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query_string,
            "PATH_INFO": request.path,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": "demo",
        }
        for index, (key, value) in enumerate(_CONFIGURATION.items()):
            variables |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
        return variables


def _purpose(request: web.Request, body: bytes) -> str:
    if request.path.endswith("/info/refs"):
        return "refs"
    if request.path.endswith("/git-receive-pack"):
        return "push"
    # Version 2 of the protocol names its command in the first packet: 4 digits, then the text.
    return "ls-refs" if body[4:].startswith(b"command=ls-refs") else "fetch"


def _read_push(request: web.Request, body: bytes) -> Push | None:
    """The first command of a push: a packet of 4 digits, then `before after ref\\0capabilities`.

    Before a large push git sends an empty one (a flush, `0000`) to learn whether it may.
    """
    if _purpose(request, body) != "push" or body.startswith(b"0000"):
        return None
    before, after, ref = body[4:].partition(b"\0")[0].decode().split(" ", 2)
    repository = request.path.strip("/").removesuffix("/git-receive-pack").removesuffix(".git")
    return Push(repository, ref, before, after)


def _run_backend(variables: Mapping[str, str], body: bytes) -> web.Response:
    finished = subprocess.run(
        ["git", "http-backend"],
        input=body,
        env=variables,
        capture_output=True,
        timeout=_BACKEND_SECONDS,
        check=False,
    )
    head, separator, content = finished.stdout.partition(b"\r\n\r\n")
    if not separator:
        return web.Response(status=500, text="git http-backend gave no answer\n")
    headers: dict[str, str] = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name] = value.strip()
    status = int(headers.pop("Status", "200").split()[0])
    headers.pop("Content-Length", None)
    return web.Response(status=status, headers=headers, body=content)
