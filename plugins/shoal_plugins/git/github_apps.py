"""GitHub Apps: a private key that is traded for a token of one hour, which git then uses.

The app proves itself by a JWT (RS256, some minutes long) and gets a token for one installation that
may read contents and nothing else (`installation_tokens`). The keys of the secret are those of
Flux; when the installation is not named, the repository's own is looked up. The key and the token
only ever go to the server of the repository.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shoal.errors import AccessDenied
from shoal_plugins.git.addresses import Address, parse_server_url
from shoal_plugins.git.credentials import APP_ID, Credential, Proxy, read_line

INSTALLATION_ID, PRIVATE_KEY = "githubAppInstallationID", "githubAppPrivateKey"
BASE_URL = "githubAppBaseURL"
_GITHUB = "https://api.github.com"
_BACKDATED = timedelta(seconds=60)  # GitHub's advice against clocks that differ
_LIFETIME = timedelta(minutes=9)  # GitHub allows ten
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
