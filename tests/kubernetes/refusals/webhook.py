"""An admission webhook on loopback: a small TLS server that answers as it is told to."""

from __future__ import annotations

import base64
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from anyio import to_thread
from tests.kubernetes.refusals.ground import Ground
from tests.tls_serving import Handler, serving_tls

from shoal_clusters.controlplane.certificates import create_authority

NAME = "berths.example.com"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


@dataclass(frozen=True)
class Verdict:
    """What the webhook says: a refusal with this code and message, or without either."""

    code: int = 0
    message: str = ""

    @property
    def result(self) -> dict[str, Any]:
        """The `status` of the review's answer."""
        return {
            **({"code": self.code} if self.code else {}),
            **({"message": self.message} if self.message else {}),
        }


@asynccontextmanager
async def answering(ground: Ground, verdict: Verdict) -> AsyncIterator[None]:
    """ConfigMaps of this namespace are sent to a webhook that refuses them."""

    async def review(request: web.BaseRequest) -> web.Response:
        uid = (await request.json())["request"]["uid"]
        answer = {"uid": uid, "allowed": False, "status": verdict.result}
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
        return web.json_response({**review, "response": answer})

    async with serving(review) as (url, authority):
        await configure(ground, {"url": url, "caBundle": authority})
        yield


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[tuple[str, str]]:
    """A server on loopback: its address, and the authority that signed it (as caBundle)."""
    authority = create_authority("webhook")
    certificate = authority.sign_server("webhook")
    context = await to_thread.run_sync(_context, certificate.pem + certificate.key_pem)
    async with serving_tls(handler, context) as port:
        yield f"https://127.0.0.1:{port}/", bundle(authority.pem)


async def configure(ground: Ground, client: dict[str, Any], *, seconds: int = 5) -> None:
    """Send ConfigMaps of this namespace to `client`, and refuse them when it does not answer."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    webhook = {
        "name": NAME,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": seconds,
        "failurePolicy": "Fail",
        "rules": [{**rule, "operations": ["CREATE", "UPDATE"]}],
        "namespaceSelector": ground.selector,
        "clientConfig": client,
    }
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": f"berths-{ground.namespace}"},
        "webhooks": [webhook],
    }
    await ground.put(CONFIGURATIONS, body)


def bundle(pem: bytes) -> str:
    """An authority as configurations want it."""
    return base64.b64encode(pem).decode()


def _context(pem: bytes) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "server.pem")
        path.write_bytes(pem)
        context.load_cert_chain(path)
    return context
