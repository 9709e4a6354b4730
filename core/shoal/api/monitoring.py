"""What machines ask a controller: its metrics, whether it lives, whether it is ready.

One listener of its own, for another audience than the API's: whoever may read it learns the names
of clusters and applications and how they stand, and can change nothing. Nobody is asked who they
are, so it is on loopback unless an address is given.

`/healthz` is answered while the event loop turns, which is all that a restart could mend: a cluster
that is away, a fleet that cannot be read or a full disk is for alerts, and not for a restart.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shoal.api.facade import Controller
from shoal.telemetry.prometheus import CONTENT_TYPE


def metrics_application(controller: Controller) -> Starlette:
    """The ASGI application of that listener."""

    async def metrics(request: Request) -> Response:
        return Response(await controller.metrics(), media_type=CONTENT_TYPE)

    async def health(request: Request) -> Response:
        return PlainTextResponse("the event loop turns\n")

    async def readiness(request: Request) -> Response:
        if controller.is_ready:
            return PlainTextResponse("the state is loaded\n")
        return PlainTextResponse("the state is being loaded\n", status_code=503)

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/healthz", health),
            Route("/readyz", readiness),
        ]
    )
