"""The local API: what a controller shows, and the verbs, as JSON over HTTP.

Every request passes one border here: it must come from a named local user, known errors become
their status and reason, and anything else is called a bug of ours and logged with its traceback.
What lists can be asked for stands in `lists` and `record_lists`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import anyio
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from shoal.api.answers import (
    BUG,
    as_fields,
    envelope,
    error_body,
    http_status,
    single,
)
from shoal.api.bodies import (
    AdoptBody,
    DiffBody,
    InvalidRequest,
    NoBody,
    ReasonBody,
    ResendBody,
    RevertBody,
    SuspendBody,
    SyncBody,
    read_json,
)
from shoal.api.facade import Controller
from shoal.api.lists import LISTS, list_answer
from shoal.api.record_lists import SYNCS, Wanted, beginning, later_records, record_page
from shoal.api.writing import Answer, json_content, json_response
from shoal.engine.diffing import DiffRequest
from shoal.errors import AccessDenied, ShoalError
from shoal.model.holds import Hold
from shoal.model.identity import Ref
from shoal.model.records import Deed
from shoal.telemetry.masking import Masking

log = structlog.get_logger("shoal.api")

_BODY_BYTES = 64 * 1024  # a verb carries a reason and some names
_FILES_BYTES = 24 << 20  # the files of a working copy, as text a third larger than they are
_LONGEST_DIFF_SECONDS = 600.0
Source = Callable[[Controller, Wanted, int, anyio.Event], AsyncIterator[Mapping[str, Any] | None]]
Handler = Callable[[Controller, Request], Awaitable[Answer]]


def api_application(
    controller: Controller, masking: Masking, configuration: Callable[[], Mapping[str, Any]]
) -> Starlette:
    """The ASGI application of the local API; every answer passes `masking`.

    `configuration` gives what the controller was told, as fields.
    """

    async def configured(controller: Controller, request: Request) -> Mapping[str, Any]:
        return single("SettingList", configuration())

    border = Border(controller, masking)
    application, source = "/api/v1/applications/{namespace}/{name}", "/api/v1/sources/{namespace}"
    routes = [
        border.route("GET", "/api/v1/fleet", _fleet),
        border.route("GET", "/api/v1/configuration", configured),
        border.route("GET", "/api/v1/records", _record_list("Event")),
        border.route("GET", "/api/v1/syncs", _record_list("Sync", SYNCS)),
        border.stream("/api/v1/records/stream", later_records),
        border.stream("/api/v1/syncs/stream", later_records, SYNCS),
        border.route("GET", "/api/v1/trace", _trace),
        border.route("GET", "/api/v1/tree", _tree),
        border.route("GET", "/api/v1/where", _where),
        *(border.route("GET", f"/api/v1/{path}", _list(path, masking)) for path in LISTS),
        border.route("POST", f"{application}/diff", _diff),
        border.route("POST", f"{application}/sync", _sync),
        border.route("POST", f"{application}/adopt", _adopt),
        border.route("POST", f"{application}/revert", _revert),
        border.route("POST", f"{application}/suspend", _suspend),
        border.route("POST", f"{application}/resume", _resume),
        border.route("POST", source + "/{name:path}/refresh", _refresh),
        border.route("POST", "/api/v1/alerts/{namespace}/{name}/test", _test_alert),
        border.route("POST", "/api/v1/alerts/{namespace}/{name}/resend", _resend_alert),
        border.route("POST", "/api/v1/holds/{id}/approve", _approve),
    ]
    return Starlette(routes=routes, exception_handlers={404: border.no_route, 405: border.no_route})


@dataclass(frozen=True, slots=True)
class Border:
    """Lets requests in and answers out."""

    controller: Controller
    masking: Masking

    def route(self, method: str, path: str, handler: Handler) -> Route:
        """A route whose handler may raise anything."""

        async def answer(request: Request) -> Response:
            return json_response(*await self._answered(handler, request), self.masking)

        return Route(path, answer, methods=[method])

    def stream(self, path: str, source: Source, what: frozenset[Deed] = frozenset()) -> Route:
        """A route that goes on: a line of JSON for each value, an empty one for none.

        What is wrong with the request is answered before the first line; what goes wrong later
        ends the answer, and the client asks again from where it is.
        """

        async def answer(request: Request) -> Response:
            after = 0

            async def first(controller: Controller, request: Request) -> Mapping[str, Any]:
                nonlocal after
                after = beginning(controller, wanted)
                return {}

            wanted = Wanted(request.query_params, what)
            body, status = await self._answered(first, request)
            if status != 200:
                return json_response(body, status, self.masking)
            values = source(self.controller, wanted, after, request.state.ending)
            return StreamingResponse(self._lines(values), media_type="application/x-ndjson")

        return Route(path, answer, methods=["GET"])

    async def _lines(self, values: AsyncIterator[Mapping[str, Any] | None]) -> AsyncIterator[bytes]:
        async for value in values:
            yield (b"" if value is None else json_content(value, self.masking)) + b"\n"

    async def _answered(self, handler: Handler, request: Request) -> tuple[Answer, int]:
        try:
            if not request.state.who:
                raise AccessDenied("the peer of this socket is not a user who may ask")
            return await handler(self.controller, request), 200
        except ShoalError as error:
            body = error_body(error.reason, error.message, error.next_step)
            return body, http_status(error)
        except Exception as error:  # the border of a request: one broken answer, not a dead API
            path = request.url.path
            log.exception("an API request failed", method=request.method, path=path)
            return error_body(BUG, f"a bug in Shoal: {error!r}", REPORT_IT), 500

    async def no_route(self, request: Request, error: Exception) -> Response:
        """What is answered where no route is."""
        message = f"this controller does not know {request.method} {request.url.path}"
        step = "is `shoal` of the same version as the controller? see `shoal version`"
        body = error_body(InvalidRequest.__name__, message, step)
        return json_response(body, 404, self.masking)


REPORT_IT = "see the controller's log for the traceback, and report it"


def _list(path: str, masking: Masking) -> Handler:
    async def answer(controller: Controller, request: Request) -> bytes:
        return await list_answer(path, controller, request.query_params, masking)

    return answer


def _record_list(kind: str, what: frozenset[Deed] = frozenset()) -> Handler:
    async def answer(controller: Controller, request: Request) -> Mapping[str, Any]:
        return await record_page(controller, Wanted(request.query_params, what), kind)

    return answer


async def _fleet(controller: Controller, request: Request) -> Mapping[str, Any]:
    return single("Fleet", as_fields(await controller.look_at_fleet()))


async def _tree(controller: Controller, request: Request) -> Mapping[str, Any]:
    query = request.query_params
    ref = Ref(query.get("namespace", "default"), query.get("name", ""))
    globs = query.getlist("cluster") or ["*"]
    found = await controller.tree(
        ref,
        lambda name: any(fnmatchcase(name, one) for one in globs),
        with_pods=query.get("pods") == "true",
    )
    return single("Tree", as_fields(found))


async def _where(controller: Controller, request: Request) -> Mapping[str, Any]:
    found = await controller.whereabouts(request.query_params.get("text", ""))
    return single("Where", as_fields(found))


async def _trace(controller: Controller, request: Request) -> Mapping[str, Any]:
    query = request.query_params
    ref = Ref(query.get("namespace", "default"), query.get("name", ""))
    return envelope("Span", [as_fields(span) for span in controller.trace(ref)])


def _application(request: Request) -> Ref:
    return Ref(request.path_params["namespace"], request.path_params["name"])


async def _diff(controller: Controller, request: Request) -> Mapping[str, Any]:
    body = await read_json(request, DiffBody, _FILES_BYTES)
    found = await controller.diff(
        DiffRequest(
            _application(request),
            request.state.who,
            _clusters(body.clusters),
            body.revision,
            body.files,
            max(0.0, min(body.seconds, _LONGEST_DIFF_SECONDS)),
        )
    )
    return single(type(found).__name__.removesuffix("View"), as_fields(found))


async def _sync(controller: Controller, request: Request) -> Mapping[str, Any]:
    body = await read_json(request, SyncBody, _BODY_BYTES)
    await controller.sync(
        _application(request),
        who=request.state.who,
        clusters=_clusters(body.clusters),
        rerun=body.rerun,
    )
    return single("Accepted", {})


def _clusters(names: list[str] | None) -> frozenset[str] | None:
    return frozenset(names) if names is not None else None


async def _adopt(controller: Controller, request: Request) -> Mapping[str, Any]:
    body = await read_json(request, AdoptBody, _BODY_BYTES)
    found = await controller.adopt(
        _application(request), names=body.names, clusters=_clusters(body.clusters)
    )
    return single("Adoptions", as_fields(found))


async def _revert(controller: Controller, request: Request) -> Mapping[str, Any]:
    body = await read_json(request, RevertBody, _BODY_BYTES)
    reverted = await controller.revert(
        _application(request),
        who=request.state.who,
        reason=body.reason,
        names=body.names,
        clusters=_clusters(body.clusters),
    )
    return envelope("Drift", [as_fields(view) for view in reverted])


async def _refresh(controller: Controller, request: Request) -> Mapping[str, Any]:
    await read_json(request, NoBody, _BODY_BYTES)
    await controller.refresh(_application(request), who=request.state.who)
    return single("Accepted", {})


async def _test_alert(controller: Controller, request: Request) -> Mapping[str, Any]:
    await read_json(request, NoBody, _BODY_BYTES)
    trials = await controller.test_alert(_application(request), who=request.state.who)
    return envelope("Trial", [as_fields(view) for view in trials])


async def _resend_alert(controller: Controller, request: Request) -> Mapping[str, Any]:
    body = await read_json(request, ResendBody, _BODY_BYTES)
    resent = await controller.resend_alert(
        _application(request), who=request.state.who, batches=body.batches
    )
    return envelope("Resent", [as_fields(view) for view in resent])


async def _suspend(controller: Controller, request: Request) -> Mapping[str, Any]:
    body = await read_json(request, SuspendBody, _BODY_BYTES)
    if body.until.tzinfo is None:
        raise InvalidRequest("until needs a time zone")
    hold = await controller.suspend(
        _application(request), who=request.state.who, reason=body.reason, until=body.until
    )
    return single("Hold", _hold_fields(hold))


async def _resume(controller: Controller, request: Request) -> Mapping[str, Any]:
    body = await read_json(request, ReasonBody, _BODY_BYTES)
    await controller.resume(_application(request), who=request.state.who, reason=body.reason)
    return single("Accepted", {})


async def _approve(controller: Controller, request: Request) -> Mapping[str, Any]:
    body = await read_json(request, ReasonBody, _BODY_BYTES)
    released = await controller.approve(
        request.path_params["id"], who=request.state.who, reason=body.reason
    )
    return envelope("Hold", [_hold_fields(hold) for hold in released])


def _hold_fields(hold: Hold) -> dict[str, Any]:
    """As a HoldView shows it: the id and the command that releases it, not the content."""
    fields = as_fields(hold)
    fields.pop("content")
    return {"id": hold.id, **fields, "release": hold.release}
