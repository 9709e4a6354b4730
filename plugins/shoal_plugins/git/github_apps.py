"""GitHub Apps: a private key that is traded for a token of one hour, which git then uses.

The app proves itself by a JWT (RS256, some minutes long) and gets a token for one installation that
may read contents and nothing else. A token is kept in memory until shortly before it expires, asked
for once however many sources need it, and given up when the forge refuses it. The keys of the
secret are those of Flux; when the installation is not named, the repository's own is looked up. The
key and the token only ever go to the server of the repository.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import urlsplit

import anyio
import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shoal.errors import AccessDenied, HttpFailed, SourceUnavailable
from shoal.hooks.host import Host, HttpAnswer, HttpRequest
from shoal_plugins.git.addresses import Address, parse_server_url
from shoal_plugins.git.credentials import APP_ID, Credential, Proxy, read_line

INSTALLATION_ID, PRIVATE_KEY = "githubAppInstallationID", "githubAppPrivateKey"
BASE_URL = "githubAppBaseURL"
_GITHUB = "https://api.github.com"
_BACKDATED = timedelta(seconds=60)  # GitHub's advice against clocks that differ
_LIFETIME = timedelta(minutes=9)  # GitHub allows ten
_EARLY = timedelta(minutes=5)  # a fetch that has begun must not outlive its token
_SKEW = timedelta(seconds=60)
_DIGITS = re.compile(r"[0-9]{1,20}")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")  # a number, or the client id such as Iv23li…
_REPOSITORY = re.compile(r"/([A-Za-z0-9-]+)/([A-Za-z0-9._-]+?)(?:\.git)?/?")


@dataclass(frozen=True, slots=True)
class App:
    """One app as a secret describes it, for one repository."""

    secret: str
    id: str
    installation: str
    base_url: str
    repository: str
    key: RSAPrivateKey = field(repr=False)
    key_digest: str = field(repr=False)
    authority: bytes = field(default=b"", repr=False)
    proxy: str = field(default="", repr=False)

    @property
    def identity(self) -> tuple[str, ...]:
        """Whatever makes a token another one."""
        installation = self.installation or self.repository
        return self.base_url, self.id, installation, self.key_digest


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


def read_app(
    values: Mapping[str, bytes], credential: Credential, address: Address, proxy: Proxy | None
) -> App | None:
    """The app that a secret describes, None when it describes none; blocking.

    AccessDenied says what is missing, and when the repository is not of the app's server.
    """
    secret = credential.secret
    app_id = _text(values, APP_ID, secret)
    if not app_id:
        return None
    installation = _text(values, INSTALLATION_ID, secret)
    if not _ID.fullmatch(app_id) or (installation and not _DIGITS.fullmatch(installation)):
        raise AccessDenied(
            f"the GitHub App of secret {secret} has an id that is none",
            next_step=f"give {APP_ID} and {INSTALLATION_ID} the numbers that GitHub shows",
        )
    pem = values.get(PRIVATE_KEY, b"").strip()
    return App(
        secret,
        app_id,
        installation,
        _base_url(_text(values, BASE_URL, secret), secret, address),
        _repository(address, secret),
        _open_key(pem, secret),
        hashlib.sha256(pem).hexdigest(),
        credential.certificates.authority,
        proxy.url if proxy else "",
    )


def sign_jwt(app: App, now: datetime) -> str:
    """What an app shows GitHub: who it is, for some minutes. RFC 7519 with RS256."""
    claims = {
        "iat": int((now - _BACKDATED).timestamp()),
        "exp": int((now + _LIFETIME).timestamp()),
        "iss": app.id,
    }
    parts = [orjson.dumps({"alg": "RS256", "typ": "JWT"}), orjson.dumps(claims)]
    signed = b".".join(_base64url(part) for part in parts)
    signature = app.key.sign(signed, PKCS1v15(), SHA256())
    return (signed + b"." + _base64url(signature)).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _text(values: Mapping[str, bytes], key: str, secret: str) -> str:
    return read_line(values, key, secret).decode(errors="replace")


def _base_url(text: str, secret: str, address: Address) -> str:
    try:
        parts = parse_server_url(text or _GITHUB)
    except ValueError as error:
        raise AccessDenied(
            f"{BASE_URL} of secret {secret} cannot be used: {error}",
            next_step="write it as https://github.example.org/api/v3",
        ) from None
    # Elsewhere a foreign repository address would be sent a token of this server.
    if address.host not in (parts.hostname, (parts.hostname or "").removeprefix("api.")):
        raise AccessDenied(
            f"the GitHub App of secret {secret} belongs to {parts.hostname}, "
            f"and the repository is on {address.host}",
            next_step=f"for GitHub Enterprise, set {BASE_URL} to https://{address.host}/api/v3",
        )
    return (text or _GITHUB).rstrip("/")


def _repository(address: Address, secret: str) -> str:
    found = _REPOSITORY.fullmatch(urlsplit(address.text).path)
    if not found:
        raise AccessDenied(
            f"secret {secret} is a GitHub App's, and the address is no repository on GitHub",
            next_step="write the address as https://github.com/OWNER/REPOSITORY.git",
        )
    return f"{found[1]}/{found[2]}"


def _open_key(pem: bytes, secret: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise AccessDenied(
            f"the key {PRIVATE_KEY} of secret {secret} is not an RSA private key",
            next_step="store the .pem file that GitHub made for the app",
        )
    return key


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
