"""Log lines by OTLP, beside those on standard error; only when the environment asks for logs.

Each line is sent as it was printed, masked, with its trace and span as OpenTelemetry's own fields.
What the exporter and its HTTP client say is not sent: it would be said again each time it fails.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from structlog.typing import EventDict

from shoal.telemetry.exporting import Signal, resource, wants_export

_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}
_OWN = ("opentelemetry", "urllib3", "requests")
# Fields of a log record, which are no attributes of it.
_FIELDS = frozenset({"event", "level", "timestamp", "logger", "trace_id", "span_id", "exception"})


class Shipping:
    """Sends lines; a structlog processor that changes nothing of what it is given."""

    def __init__(self, provider: LoggerProvider) -> None:
        self._provider = provider

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        """Hand a line on to be sent; microseconds, from any thread."""
        name = str(event.get("logger", "shoal"))
        if name.partition(".")[0] in _OWN:
            return event
        level = str(event.get("level", "info"))
        self._provider.get_logger(name).emit(
            timestamp=_nanoseconds(event.get("timestamp")),
            severity_number=_SEVERITIES.get(level, SeverityNumber.UNSPECIFIED),
            severity_text=level.upper(),
            body=str(event.get("event", "")),
            attributes=_attributes(event),
        )
        return event

    def shutdown(self, *, timeout_seconds: float = 5.0) -> bool:
        """Send what is left; False when the deadline cut it short. Blocks."""
        thread = threading.Thread(target=self._provider.shutdown, name="logs", daemon=True)
        thread.start()
        thread.join(timeout_seconds)
        return not thread.is_alive()


def build_shipping(version: str) -> Shipping | None:
    """Build it as the environment says; None when logs are not exported."""
    if not wants_export(os.environ, Signal.LOGS):
        return None
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(resource=resource(version), shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    return Shipping(provider)


def _attributes(event: EventDict) -> Mapping[str, Any]:
    facts = {
        key: value if isinstance(value, str | bool | int | float) else str(value)
        for key, value in event.items()
        if key not in _FIELDS and not key.startswith("_") and value is not None
    }
    if "exception" in event:
        facts["exception.stacktrace"] = str(event["exception"])
    return facts


def _nanoseconds(timestamp: Any) -> int | None:
    if not isinstance(timestamp, str):
        return None
    return round(datetime.fromisoformat(timestamp).timestamp() * 1e6) * 1_000
