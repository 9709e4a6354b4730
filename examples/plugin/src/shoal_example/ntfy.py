"""The notifier `ntfy`: a message to whoever subscribed to a topic of an ntfy server."""

from __future__ import annotations

import json

from pydantic import Field

from shoal.errors import AccessDenied, Permanent
from shoal.hooks.host import Host, HttpRequest
from shoal.model.alerts import Batch
from shoal.model.choice import Spec
from shoal.model.secret_refs import SecretRef
from shoal_example.asking import check, login

_MOST_BYTES = 4000  # what is longer than 4096 bytes, ntfy shows as a file


class NtfySpec(Spec):
    """A topic of an ntfy server."""

    server: str = Field(
        default="https://ntfy.sh",
        pattern=r"^https?://[^/?#\s@]+$",
        description="The server, without a path; http:// on this machine only.",
    )
    topic: str = Field(
        pattern=r"^[-_A-Za-z0-9]{1,64}$",
        description="The topic; on a public server everybody who knows it can read it.",
    )
    secret_ref: SecretRef | None = Field(
        default=None, description="A secret with the key token, sent as a bearer token."
    )


class NtfyNotifier:
    """Posts each batch as one message; keeps nothing."""

    name = "ntfy"
    spec = NtfySpec

    async def send(self, spec: NtfySpec, batch: Batch, host: Host) -> None:
        """A message of the same `sequence_id` replaces the one before, so a repeat is none."""
        lines = [f"{each.title}: {each.message or each.change}" for each in batch.topics]
        told = {
            "topic": spec.topic,
            "sequence_id": batch.id,
            "title": _cut(batch.title, 250),
            "message": _cut("\n".join(lines) or batch.title, _MOST_BYTES),
            "tags": ["white_check_mark" if batch.is_recovery else "fish"],
            "click": batch.link,
        }
        headers = await login(host, batch.alert.namespace, spec.secret_ref)
        body = json.dumps({key: value for key, value in told.items() if value}).encode()
        answer = await host.http.request(
            HttpRequest(method="POST", url=spec.server, headers=headers, body=body)
        )
        never = answer.status in (400, 413)  # this batch alone is refused
        check(answer, spec.server, Permanent if never else AccessDenied)


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode(errors="ignore")
