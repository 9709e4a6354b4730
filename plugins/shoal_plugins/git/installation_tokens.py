"""The tokens that GitHub issues to apps: asked for once, kept for most of their hour, given up.

However many sources need the same installation, one of them asks and the others wait. What GitHub
refuses is told by its status and words: a wrong key, a wrong id, a suspended installation, a clock
that is wrong. Called by `reaching`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import urlsplit

import anyio
import orjson

from shoal.errors import AccessDenied, HttpFailed, SourceUnavailable
from shoal.hooks.host import Host, HttpAnswer, HttpRequest
from shoal_plugins.git.credentials import APP_ID
from shoal_plugins.git.github_apps import BASE_URL, INSTALLATION_ID, PRIVATE_KEY, App, sign_jwt

_EARLY = timedelta(minutes=5)  # a fetch that has begun must not outlive its token
_SKEW = timedelta(seconds=60)


@dataclass(slots=True)
class _Slot:
    """The token of one installation, and who is asking for it."""

    asking: anyio.Lock = field(default_factory=anyio.Lock)
    token: str = field(default="", repr=False)
    good_until: datetime | None = None


def _now() -> datetime:
    return datetime.now(UTC)


class InstallationTokens:
    """The tokens of all apps of this process; in memory only."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self._now = now
        self._slots: dict[tuple[str, ...], _Slot] = {}

    async def token(self, app: App, host: Host) -> str:
        """A token that is good for some minutes at least.

        AccessDenied when GitHub refuses, SourceUnavailable when it does not answer.
        """
        slot = self._slots.setdefault(app.identity, _Slot())
        async with slot.asking:
            if slot.good_until is None or self._now() >= slot.good_until:
                slot.token, expires = await self._issue(app, host)
                slot.good_until = expires - _EARLY
            return slot.token

    def give_up(self, app: App, token: str) -> None:
        """Forget a token that the forge refused, when nobody has replaced it yet."""
        slot = self._slots.get(app.identity)
        if slot is not None and slot.token == token:
            del self._slots[app.identity]

    async def _issue(self, app: App, host: Host) -> tuple[str, datetime]:
        jwt = await host.run_in_thread(sign_jwt, app, self._now())
        installation = app.installation
        if not installation:
            found = await self._ask(app, jwt, host, "GET", f"/repos/{app.repository}/installation")
            installation = str(_field(found, "id", app))
        issued = await self._ask(
            app, jwt, host, "POST", f"/app/installations/{installation}/access_tokens"
        )
        token, expires = _field(issued, "token", app), _field(issued, "expires_at", app)
        try:
            return str(token), datetime.fromisoformat(str(expires))
        except ValueError:
            raise _unusable(app) from None

    async def _ask(self, app: App, jwt: str, host: Host, method: str, path: str) -> HttpAnswer:
        headers = {
            "Authorization": f"Bearer {jwt}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "shoal",
        }
        body = b'{"permissions":{"contents":"read"}}' if method == "POST" else b""
        request = HttpRequest(
            method=method,
            url=app.base_url + path,
            headers=headers,
            body=body,
            authority=app.authority,
            proxy=app.proxy,
        )
        try:
            answer = await host.http.request(request)
        except HttpFailed as error:
            raise SourceUnavailable(
                f"no token for the GitHub App of secret {app.secret}: {error.message}"
            ) from None
        if answer.status not in (200, 201):
            _refuse(app, answer, self._now(), is_lookup=method == "GET")
        return answer


def _refuse(app: App, answer: HttpAnswer, now: datetime, *, is_lookup: bool) -> NoReturn:
    who = f"the GitHub App of secret {app.secret}"
    said = _said(answer).lower()
    if answer.status >= 500 or answer.status == 429 or "rate limit" in said:
        raise SourceUnavailable(
            f"no token for {who}: {urlsplit(app.base_url).hostname} answered {answer.status}"
        )
    skew = _clock_skew(answer, now)
    if answer.status == 401 and abs(skew) > _SKEW:
        way = "ahead" if skew > timedelta() else "behind"
        raise AccessDenied(
            f"{who} is refused, because the clock of this machine is "
            f"{abs(skew).total_seconds():.0f} s {way}",
            next_step="set the clock (chrony, systemd-timesyncd)",
        )
    if answer.status == 401:
        raise AccessDenied(
            f"{who} is refused: {PRIVATE_KEY} is not a key of the app {app.id}",
            next_step=f"compare {APP_ID} with the app's page, or make a new private key there",
        )
    if answer.status == 403 and "suspended" in said:
        raise AccessDenied(
            f"the installation of {who} is suspended",
            next_step="let an owner unsuspend it, in the settings of installed GitHub Apps",
        )
    if answer.status == 404:
        lacks = "is not installed on" if is_lookup else "has no installation"
        raise AccessDenied(
            f"{who} {lacks} {app.repository if is_lookup else app.installation}",
            next_step=f"install the app, or correct {INSTALLATION_ID} or leave it out",
        )
    if answer.status == 422:
        raise AccessDenied(
            f"{who} may not read contents",
            next_step="give the app the repository permission Contents: read, and accept it "
            "for the installation",
        )
    raise AccessDenied(f"{who} is refused with status {answer.status}")


def _clock_skew(answer: HttpAnswer, now: datetime) -> timedelta:
    try:
        return now - parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return timedelta()


def _said(answer: HttpAnswer) -> str:
    try:
        parsed = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return ""
    return str(parsed.get("message", "")) if isinstance(parsed, dict) else ""


def _field(answer: HttpAnswer, name: str, app: App) -> object:
    try:
        return orjson.loads(answer.body)[name]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise _unusable(app) from None


def _unusable(app: App) -> SourceUnavailable:
    return SourceUnavailable(
        f"no token for the GitHub App of secret {app.secret}: the answer is not GitHub's",
        next_step=f"check {BASE_URL}",
    )
