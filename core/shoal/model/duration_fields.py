"""The type of every field that holds a length of time, in documents and in the configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from shoal.model.durations import PATTERN, format_duration, parse_duration

_SCHEMA = {"type": "string", "pattern": PATTERN, "examples": ["30s", "5m", "1h30m", "7d"]}

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(_SCHEMA),
]
