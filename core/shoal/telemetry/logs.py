"""Logs: a constant message and facts as key/values; JSON for machines, columns for a terminal.

`configure_logs` is called once by `composition`; modules ask for `logger(__name__)` at any time
before or after. Lines go to standard error, because standard output belongs to a command's answer.
Every line carries UTC time, level, the logger's name and the current trace and span; every text in
it has been through the process's one `Masking`, also for whatever sees lines beside (`shipping`).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from shoal.telemetry.masking import Masking
from shoal.telemetry.spans import span_id, trace_id


def logger(name: str) -> FilteringBoundLogger:
    """A logger that puts its name on every line."""
    return cast(FilteringBoundLogger, structlog.get_logger(logger_name=name))


def configure_logs(
    masking: Masking,
    *,
    stream: TextIO | None = None,
    level: str = "info",
    as_json: bool | None = None,
    beside: Sequence[Processor] = (),
) -> None:
    """Set structlog up for this process; `as_json` left out asks whether `stream` is a terminal.

    `beside` see each line before it is written.
    """
    stream, as_json = _choose(stream, as_json)
    structlog.configure(
        processors=[*_common(masking), *beside, *_rendering(as_json)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Lossy(stream))),
        cache_logger_on_first_use=False,
    )


def set_log_level(level: str) -> None:
    """The least important sort of line that is written from now on: `debug` to `error`.

    Libraries stay at warnings, for what they say at less concerns who works on them.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    lowest = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger().setLevel(max(lowest, logging.WARNING))


def standard_handler(
    masking: Masking,
    *,
    stream: TextIO | None = None,
    as_json: bool | None = None,
    beside: Sequence[Processor] = (),
) -> logging.Handler:
    """A handler for the standard library's logging that writes the same lines.

    Libraries log there (uvicorn, aiohttp, the OTLP exporter, with URLs); `composition` adds it to
    the root logger.
    """
    stream, as_json = _choose(stream, as_json)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*_common(masking), *beside],
            processors=[ProcessorFormatter.remove_processors_meta, *_rendering(as_json)],
        )
    )
    return handler


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class _Lossy:
    """A stream of which a full disk, or a reader that is gone, takes the lines and nothing else.

    The standard library's handlers are like that by themselves.
    """

    stream: TextIO

    def write(self, text: str) -> None:
        with suppress(OSError):
            self.stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self.stream.flush()


def _choose(stream: TextIO | None, as_json: bool | None) -> tuple[TextIO, bool]:
    chosen: TextIO = sys.stderr if stream is None else stream
    return chosen, (not chosen.isatty()) if as_json is None else as_json


def _common(masking: Masking) -> Sequence[Processor]:
    def mask(_logger: Any, _method: str, event: EventDict) -> EventDict:
        # The formatter's own entries (`_record`) are no part of the line.
        return {
            key: value if key.startswith("_") else masking.value(value)
            for key, value in event.items()
        }

    return [
        structlog.contextvars.merge_contextvars,
        _name_logger,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _add_trace,
        mask,
    ]


def _rendering(as_json: bool) -> Sequence[Processor]:
    if as_json:
        return [structlog.processors.EventRenamer("message"), _as_json]
    return [structlog.dev.ConsoleRenderer(colors=True)]


def _add_trace(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The trace and the span that are current, so that a line leads to its trace and back."""
    current = trace_id()
    if current:
        event["trace_id"], event["span_id"] = current, span_id()
    return event


def _name_logger(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Put the name of the logger under one key, wherever the line comes from."""
    record = event.get("_record")
    name = event.pop("logger_name", None) if record is None else record.name
    return event if name is None else {**event, "logger": name}


def _as_json(_logger: Any, _method: str, event: EventDict) -> str:
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
    return orjson.dumps(event, default=str, option=options).decode()
