"""The webhook listener: `POST /hooks/<namespace>/<source>` makes a source be fetched now.

Nothing in the body is believed; it is read only because its signature covers it. The secret of a
source is the secret `webhook-<source>` of the source's namespace, key `token` (in the secrets
folder: `<namespace>/webhook-<source>/token`; for a source written inline in an application, named
`application/<name>`, the secret is `webhook-application.<name>`). Fail closed: without a secret
there is no webhook, and an unknown source, a missing secret and a wrong signature are answered
alike, after the same work. Serve it behind a proxy that ends TLS.

Order, cheapest first: rate limit, body cap, secret and signature, replay, then the controller.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from time import monotonic

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shoal.api.answers import error_body
from shoal.api.bodies import InvalidRequest, read_body
from shoal.api.facade import Controller
from shoal.api.limits import RateLimit, SeenBefore
from shoal.api.writing import json_response
from shoal.errors import AccessDenied, BudgetExceeded, ShoalError, UnknownName
from shoal.hooks.host import Secrets
from shoal.model.identity import Ref
from shoal.telemetry.masking import Masking

log = structlog.get_logger("shoal.webhooks")

BODY_BYTES = 1024 * 1024
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SOURCE = re.compile(rf"(application/)?{_NAME.pattern}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_SHORTEST_SECRET = 8  # shorter than this is a mistake (an empty file), not a secret
_DELIVERY_IDS = ("x-github-delivery", "x-gitea-delivery", "x-gitlab-event-uuid")


def webhook_secret_name(source: str) -> str:
    """The name of the secret that a source's webhook is signed with."""
    return "webhook-" + source.replace("/", ".")


def webhook_application(
    controller: Controller,
    vault: Secrets,
    masking: Masking,
    *,
    now: Callable[[], float] = monotonic,
) -> Starlette:
    """The ASGI application of the webhook listener; `now` is a clock in seconds."""
    border = _Listener(controller, vault, masking, now)
    return Starlette(
        routes=[Route("/hooks/{namespace}/{source:path}", border.answer, methods=["POST"])]
    )


class _Listener:
    """The border of webhook requests: it answers every one of them and never raises."""

    def __init__(
        self,
        controller: Controller,
        vault: Secrets,
        masking: Masking,
        now: Callable[[], float],
    ) -> None:
        self._controller = controller
        self._vault = vault
        self._masking = masking
        self._rate = RateLimit(now)
        self._seen = SeenBefore(now)

    async def answer(self, request: Request) -> Response:
        """Refuse early or hand on; known errors say little to a stranger."""
        return json_response(*await self._answered(request), self._masking)

    async def _answered(self, request: Request) -> tuple[Mapping[str, object], int]:
        try:
            return await self._accept(request)
        except BudgetExceeded as error:
            return error_body(error.reason, error.message), 413
        except InvalidRequest as error:
            return error_body(error.reason, error.message), 400
        except (AccessDenied, UnknownName):
            return error_body("AccessDenied", "unknown source or wrong signature"), 403
        except ShoalError as error:
            log.warning("a webhook could not be handed on", reason=error.reason)
            return error_body(error.reason, "try again later"), 503
        except Exception:  # the border of a request: strangers learn nothing, the log all
            log.exception("a webhook request failed")
            return error_body("Bug", "an internal error"), 500

    async def _accept(self, request: Request) -> tuple[Mapping[str, object], int]:
        client = request.client.host if request.client else ""
        if not self._rate.allows(client):
            return error_body("TooManyRequests", "slow down"), 429
        body = await read_body(request, BODY_BYTES)
        source = Ref(request.path_params["namespace"], request.path_params["source"])
        forge = verified_forge(request.headers, body, await self._secret(source))
        if not forge:
            raise AccessDenied("unknown source or wrong signature")
        marks = _marks(source, request.headers, body)
        if self._seen.any(marks):
            return {"status": "seen before"}, 202
        parent = request.headers.get("traceparent", "")
        await self._controller.refresh(
            source,
            who=f"webhook/{forge}",
            traceparent=parent if _TRACEPARENT.fullmatch(parent) else "",
        )
        self._seen.add(marks)  # only now: a delivery that failed may be sent again
        return {"status": "accepted"}, 202

    async def _secret(self, source: Ref) -> bytes:
        """The secret, or one that nobody knows: the refusal then costs the same."""
        unknown = secrets.token_bytes(32)
        if not (_NAME.fullmatch(source.namespace) and _SOURCE.fullmatch(source.name)):
            return unknown
        try:
            keys = await self._vault.read(source.namespace, webhook_secret_name(source.name))
        except ShoalError:
            return unknown
        token = keys.get("token", b"").strip()
        return token if len(token) >= _SHORTEST_SECRET else unknown


def verified_forge(headers: Mapping[str, str], body: bytes, secret: bytes) -> str:
    """The forge whose signature is right; empty when none is. Compares in constant time."""
    digest = hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
    expected = {
        "github": ("x-hub-signature-256", b"sha256=" + digest),
        "gitea": ("x-gitea-signature", digest),
        "gitlab": ("x-gitlab-token", secret),
    }
    right = [
        forge
        for forge, (header, value) in expected.items()
        if hmac.compare_digest(headers.get(header, "").encode(), value)
    ]
    return right[0] if right else ""


def _marks(source: Ref, headers: Mapping[str, str], body: bytes) -> list[str]:
    """What tells a replay: the delivery's id and, as no signature covers that, its body.

    A body alone is enough: a push names the commits before and after it, so no two are equal.
    """
    ids = (headers[name][:200] for name in _DELIVERY_IDS if name in headers)
    content = hashlib.sha256(body).hexdigest()
    return [f"{source} {mark}" for mark in (*ids, content)]
