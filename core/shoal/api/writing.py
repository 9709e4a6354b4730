"""Answers as bytes: JSON, every text in it masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from shoal.telemetry.masking import Masking

Answer = Mapping[str, Any] | bytes
"""Fields that are yet to be written; or JSON that was written, and masked, in portions."""


def json_response(answer: Answer, status: int, masking: Masking) -> Response:
    """An answer in JSON, masked."""
    content = answer if isinstance(answer, bytes) else json_content(answer, masking)
    return Response(content, status, media_type="application/json")


def json_content(value: Mapping[str, Any], masking: Masking) -> bytes:
    """A value as JSON, masked; times that are aware are written in UTC with a Z."""
    shown = masking.value(value, limit=None)
    return orjson.dumps(shown, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
