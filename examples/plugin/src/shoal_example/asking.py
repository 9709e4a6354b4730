"""What the source and the notifier have in common: a login for a server, and what it answered."""

from __future__ import annotations

from shoal.errors import AccessDenied, HttpFailed, Permanent
from shoal.hooks.host import Host, HttpAnswer
from shoal.model.secret_refs import SecretRef


async def login(host: Host, namespace: str, ref: SecretRef | None) -> dict[str, str]:
    """The headers that say who we are; none without a secret."""
    if ref is None:
        return {}
    secret = await host.secrets.read(namespace, ref.name)
    token = secret.get("token", b"").decode("ascii", "replace").strip()
    if not token.isascii() or not token.isprintable() or not token:
        name = f"{namespace}/{ref.name}"
        raise AccessDenied(f"the key token of the secret {name} holds no token of one line")
    return {"Authorization": f"Bearer {token}"}


def check(answer: HttpAnswer, server: str, otherwise: type[Permanent]) -> None:
    """Whatever is not a success is an error, and its kind says what becomes of it."""
    status, after = answer.status, answer.headers.get("retry-after", "")
    if status == 200:
        return
    message = f"{server} answered with status {status}"
    if status in (401, 403):
        raise AccessDenied(message, next_step="look at the secret and at what it may do there")
    if status == 429 or status >= 500:
        raise HttpFailed(message, after_seconds=float(after) if after.isdecimal() else None)
    next_step = "name the address that it leads to" if 300 <= status < 400 else "correct it"
    raise otherwise(message, next_step=next_step)
