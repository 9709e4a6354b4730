"""What clients may send: bodies of bounded size, in bounded time, of a known shape."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import anyio
import msgspec
from starlette.requests import ClientDisconnect, Request

from shoal.engine.sent_files import SentFiles
from shoal.errors import BudgetExceeded, Permanent

_READ_SECONDS = 10.0  # a body that dribbles in holds a connection, never longer than this


class SyncBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which clusters to sync, all when left out; and whether what has ended shall run again."""

    clusters: list[str] | None = None
    rerun: bool = False


class AdoptBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which drifts, by id or object, on which clusters; all when left out."""

    names: list[str] = []
    clusters: list[str] | None = None


class RevertBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which drifts, by id or object, on which clusters; all when left out."""

    names: list[str] = []
    clusters: list[str] | None = None
    reason: str = ""


class DiffBody(msgspec.Struct, forbid_unknown_fields=True):
    """What to compare with what is live, on which clusters, and how long to wait for them."""

    clusters: list[str] | None = None
    revision: str = ""
    files: SentFiles | None = None
    seconds: float = 60.0


class SuspendBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why, and until when (RFC 3339)."""

    reason: str
    until: datetime


class ReasonBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    reason: str


class ResendBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which batches, by id; all that were given up when left out."""

    batches: list[str] = []


class NoBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing."""


B = TypeVar("B")


class InvalidRequest(Permanent):
    """The client sent what this version does not understand."""


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body. Raises BudgetExceeded before more than `limit_bytes` are kept.

    The announced length is believed only when it is too large; what arrives is counted.
    """
    too_large = BudgetExceeded(f"the body is larger than {limit_bytes} bytes")
    announced = request.headers.get("content-length", "0")
    # Eighteen digits are more than any limit, and few enough for Python to read.
    is_number = announced.isascii() and announced.isdigit() and len(announced) <= 18
    if not is_number or int(announced) > limit_bytes:
        raise too_large
    content = bytearray()
    try:
        with anyio.fail_after(_READ_SECONDS):
            async for part in request.stream():
                content += part
                if len(content) > limit_bytes:
                    raise too_large
    except (TimeoutError, ClientDisconnect) as error:
        raise InvalidRequest("the body did not arrive") from error
    return bytes(content)


async def read_json(request: Request, shape: type[B], limit_bytes: int) -> B:
    """The body, read as `shape`; InvalidRequest when it is not that. An empty body is `{}`."""
    content = await read_body(request, limit_bytes)
    try:
        return msgspec.json.decode(content or b"{}", type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the body is not what this request needs: {error}") from error
