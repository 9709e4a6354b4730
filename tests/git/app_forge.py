"""The part of GitHub's API that trades an app's JWT for a token, on loopback.

It verifies the signature with the app's public key and the times with its own clock, as GitHub
does, and the Git server beside it asks for the token that was issued last.
"""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shoal_clusters.demo.git_server import GitServer

APP, INSTALLATION = "12345", "67890"


class AppForge:
    """One app with one installation on `acme/apps`."""

    def __init__(self, git: GitServer) -> None:
        self.git = git
        self.key = _key()
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.issued: list[str] = []
        self.lookups = 0
        self.bodies: list[Any] = []
        self.jwts: list[str] = []
        self.is_suspended = False
        self.may_read = True
        self.answer: web.Response | None = None
        self.gate: asyncio.Event | None = None
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v3"

    @property
    def pem(self) -> bytes:
        return self.key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/api/v3/repos/{owner}/{name}/installation", self._find)
        application.router.add_post("/api/v3/app/installations/{id}/access_tokens", self._issue)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _find(self, request: web.Request) -> web.Response:
        self.lookups += 1
        if refused := self._check(request):
            return refused
        if request.match_info["owner"] != "acme" or request.match_info["name"] != "apps":
            return self._say(404, message="Not Found")
        return self._say(200, id=int(INSTALLATION))

    async def _issue(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        if self.gate is not None:
            await self.gate.wait()
        if refused := self._check(request):
            return refused
        if request.match_info["id"] != INSTALLATION:
            return self._say(404, message="Not Found")
        if self.is_suspended:
            return self._say(403, message="This installation has been suspended")
        if not self.may_read:
            return self._say(422, message="The permissions requested are not granted")
        token = f"ghs_canary{len(self.issued)}"
        self.issued.append(token)
        self.git.token = token
        expires = (self.now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._say(201, token=token, expires_at=expires)

    def _check(self, request: web.Request) -> web.Response | None:
        if self.answer is not None:
            return self.answer
        scheme, _, jwt = request.headers["Authorization"].partition(" ")
        self.jwts.append(jwt)
        head, claims, signature = jwt.split(".")
        try:
            self.key.public_key().verify(
                _decode(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256()
            )
        except InvalidSignature:
            return self._say(401, message="A JSON web token could not be decoded")
        said = json.loads(_decode(claims))
        now = int(self.now.timestamp())
        is_timely = said["iat"] <= now < said["exp"] <= now + 600
        is_ours = json.loads(_decode(head)) == {"alg": "RS256", "typ": "JWT"} and scheme == "Bearer"
        if not is_timely or not is_ours or said["iss"] != APP:
            return self._say(
                401, message="'Expiration time' claim ('exp') is too far in the future"
            )
        return None

    def _say(self, status: int, **body: object) -> web.Response:
        date = format_datetime(self.now, usegmt=True)
        return web.json_response(body, status=status, headers={"Date": date})


@cache
def _key() -> rsa.RSAPrivateKey:
    """One for all tests: an RSA key takes long to make."""
    return rsa.generate_private_key(65537, 2048)


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
