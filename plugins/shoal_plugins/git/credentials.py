"""How a token reaches git: as one HTTP header in the child's environment, nowhere else.

Not in the URL (git writes URLs into errors and configuration), not in argv (every process of the
machine can read that), not in a file. The value is never part of a message or a repr.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from shoal.errors import AccessDenied
from shoal.hooks.host import Host

# GitHub asks for this user name with app tokens; with other tokens forges ignore the name.
_TOKEN_USER = b"x-access-token"


@dataclass(frozen=True, slots=True)
class Credential:
    """A ready header, and the secret it came from (for messages)."""

    secret: str
    header: str = field(repr=False)


async def read_credential(namespace: str, name: str, host: Host) -> Credential:
    """Read a secret anew, so that a rotated token works at the next fetch."""
    secret = f"{namespace}/{name}"
    values = await host.secrets.read(namespace, name)
    user, password = _user_and_password(values, secret)
    basic = base64.b64encode(user + b":" + password).decode()
    return Credential(secret, f"Authorization: Basic {basic}")


def _user_and_password(values: Mapping[str, bytes], secret: str) -> tuple[bytes, bytes]:
    # Files made by an editor or `echo` end in a line feed that is not part of the token.
    user = values.get("username", b"").strip() or _TOKEN_USER
    password = (values.get("password") or values.get("token") or b"").strip()
    if not password or b":" in user or ("password" in values and "username" not in values):
        raise AccessDenied(
            f"secret {secret} holds no usable Git credential",
            next_step="give it the key token, or the keys username and password",
        )
    return user, password
