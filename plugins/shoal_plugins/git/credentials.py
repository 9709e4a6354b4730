"""What a secret gives to reach a repository: a login, a key, certificates, or an app's right.

The keys are those of Flux, so its secrets serve unchanged, and `token` in addition. A secret must
hold exactly one way to log in; which keys count depends on the address. The values are read anew at
each fetch, checked here (so that no header, file or program meets a foreign line break), and never
part of a message or a repr. How they reach git is the business of `lending`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from shoal.errors import AccessDenied
from shoal_plugins.git.addresses import Address, parse_server_url
from shoal_plugins.git.certificates import Certificates, read_certificates
from shoal_plugins.git.identities import Identity, OpenedKeys, read_identity

# GitHub asks for this user name with app tokens; with other tokens forges ignore the name.
TOKEN_USER = b"x-access-token"
APP_ID = "githubAppID"
_LOGINS = ("token", "bearerToken", "password", APP_ID)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_BEARER = re.compile(rb"[\x21-\x7e]+")
_LONGEST = 16 * 1024  # curl refuses longer headers, and no forge makes them


@dataclass(frozen=True, slots=True)
class Credential:
    """One secret, ready to be used; `secret` is its name, for messages.

    `authorization` is the value of a header. `hidden` are the values that no text may repeat.
    `give_up` is there when a token was issued for it: after it, another token will be asked for.
    """

    secret: str
    authorization: str = field(default="", repr=False)
    certificates: Certificates = field(default_factory=Certificates)
    identity: Identity | None = None
    hidden: tuple[str, ...] = field(default=(), repr=False)
    give_up: Callable[[], None] | None = field(default=None, repr=False)

    @property
    def is_login(self) -> bool:
        """Whether it says who asks; certificates alone say only whom to trust."""
        return bool(self.authorization or self.identity or self.certificates.certificate)


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy of one source; `url` holds the login."""

    secret: str
    url: str = field(repr=False)
    has_login: bool
    hidden: tuple[str, ...] = field(default=(), repr=False)


def read_credential(
    values: Mapping[str, bytes], secret: str, address: Address, opened: OpenedKeys
) -> Credential:
    """What a secret gives for this address, blocking; an app's token is not in it yet."""
    if address.is_ssh:
        identity = read_identity(values, secret, address, opened)
        return Credential(secret, identity=identity, hidden=_hidden([values.get("password", b"")]))
    certificates = read_certificates(values, secret)
    given = [key for key in _LOGINS if values.get(key, b"").strip()]
    if len(given) > 1:
        raise AccessDenied(
            f"secret {secret} holds more than one way to log in: {', '.join(given)}",
            next_step="leave one of them",
        )
    if not given and (not certificates or "username" in values):
        raise AccessDenied(
            f"secret {secret} holds no usable Git credential",
            next_step="give it the key token, or the keys username and password",
        )
    if not given or given == [APP_ID]:
        return Credential(secret, certificates=certificates)
    authorization, hidden = _authorization(values, given[0], secret)
    return Credential(secret, authorization, certificates, hidden=hidden)


def with_token(credential: Credential, token: str, give_up: Callable[[], None]) -> Credential:
    """The credential with a token that a forge has issued for it."""
    authorization = _basic(TOKEN_USER, token.encode())
    hidden = _hidden([token.encode()], authorization)
    return replace(credential, authorization=authorization, hidden=hidden, give_up=give_up)


def read_proxy(values: Mapping[str, bytes], secret: str) -> Proxy:
    """The proxy that a secret describes: `address`, and `username` with `password` if it asks."""
    text = read_line(values, "address", secret).decode(errors="replace")
    try:
        parts = parse_server_url(text, is_proxy=True)
    except ValueError:
        parts = None
    if parts is None or parts.path not in ("", "/"):
        raise AccessDenied(
            f"secret {secret} holds no usable proxy",
            next_step="give it the key address, such as http://proxy.example.org:3128, "
            "and username and password when the proxy asks for them",
        )
    user, password = (read_line(values, key, secret) for key in ("username", "password"))
    if b":" in user or bool(user) != bool(password):
        raise AccessDenied(
            f"the proxy login in secret {secret} is not usable",
            next_step="give it both username and password, or neither",
        )
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    url = f"{parts.scheme}://{login}{parts.netloc}"
    return Proxy(secret, url, bool(user), _hidden([password], _basic(user, password), login))


def read_line(values: Mapping[str, bytes], key: str, secret: str) -> bytes:
    """One value of a secret that is one line; empty when it is not there."""
    # Files made by an editor or `echo` end in a line feed that is not part of the value.
    value = values.get(key, b"").strip()
    if _CONTROL.search(value) or len(value) > _LONGEST:
        raise AccessDenied(
            f"the key {key} of secret {secret} holds a line break or a control character, "
            "or is too long",
            next_step="write it again as one line",
        )
    return value


def _authorization(
    values: Mapping[str, bytes], key: str, secret: str
) -> tuple[str, tuple[str, ...]]:
    value, user = read_line(values, key, secret), read_line(values, "username", secret)
    if key == "bearerToken":
        if user or not _BEARER.fullmatch(value):
            raise AccessDenied(
                f"the key bearerToken of secret {secret} is not usable",
                next_step="give it a token of printable ASCII, and no username beside it",
            )
        return f"Bearer {value.decode()}", _hidden([value])
    if b":" in user or (key == "password" and not user):
        raise AccessDenied(
            f"secret {secret} holds no usable Git credential",
            next_step="give it the key token, or the keys username and password; "
            "a user name has no colon",
        )
    authorization = _basic(user or TOKEN_USER, value)
    return authorization, _hidden([value], authorization)


def _basic(user: bytes, password: bytes) -> str:
    return f"Basic {base64.b64encode(user + b':' + password).decode()}"


def _hidden(values: Iterable[bytes], *more: str) -> tuple[str, ...]:
    """Each value as it is, as it looks in a URL, and the last word of each header."""
    texts = [value.strip().decode(errors="replace") for value in values]
    words = [*texts, *(quote(text, safe="") for text in texts)]
    words += [each.split()[-1] for each in more if each]
    # The longest first, so that no part of one stays when another is taken out of a text.
    return tuple(sorted({word for word in words if word}, key=len, reverse=True))
