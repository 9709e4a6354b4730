"""Log lines by OTLP: only when the environment says so, masked, with trace and span."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from shoal.telemetry.exporting import Signal, wants_export
from shoal.telemetry.logs import configure_logs, logger, standard_handler
from shoal.telemetry.masking import Masking
from shoal.telemetry.shipping import Shipping, build_shipping
from shoal.telemetry.spans import opened


class Shipped:
    """Lines on their two ways."""

    def __init__(self) -> None:
        self.stream, self._exporter = io.StringIO(), InMemoryLogRecordExporter()
        self._provider = LoggerProvider(shutdown_on_exit=False)
        self._provider.add_log_record_processor(SimpleLogRecordProcessor(self._exporter))
        beside = [Shipping(self._provider)]
        configure_logs(Masking(), stream=self.stream, beside=beside)
        self.handler = standard_handler(Masking(), stream=self.stream, beside=beside)

    @property
    def printed(self) -> list[dict[str, object]]:
        return [orjson.loads(line) for line in self.stream.getvalue().splitlines()]

    @property
    def sent(self) -> list[ReadableLogRecord]:
        return list(self._exporter.get_finished_logs())


@pytest.fixture
def shipped() -> Iterator[Shipped]:
    yield Shipped()
    structlog.reset_defaults()


def test_a_line_is_sent_as_it_is_printed_with_its_trace_and_span(shipped: Shipped) -> None:
    with opened(TracerProvider(shutdown_on_exit=False).get_tracer("test"), "sync") as span:
        logger("shoal.engine").warning("target failed", target="default/web@prod", objects=3)

    (line,), (sent,) = shipped.printed, shipped.sent
    record, context = sent.log_record, span.get_span_context()
    assert (record.body, record.severity_text) == ("target failed", "WARNING")
    assert record.attributes == {"target": "default/web@prod", "objects": 3}
    assert sent.instrumentation_scope is not None
    assert sent.instrumentation_scope.name == "shoal.engine"
    assert (record.trace_id, record.span_id) == (context.trace_id, context.span_id)
    assert line["trace_id"] == f"{context.trace_id:032x}"
    assert line["span_id"] == f"{context.span_id:016x}"


def test_what_is_sent_is_masked_stacks_of_strangers_too(shipped: Shipped) -> None:
    url = "https://robot:hush@git.example.com/fleet.git"
    try:
        raise RuntimeError(f"cannot reach {url}")
    except RuntimeError:
        logger("shoal.plugins").exception("plugin raised", url=url)

    (sent,) = shipped.sent
    text = str(sent.log_record.attributes)
    assert "git.example.com" in text
    assert "RuntimeError" in str((sent.log_record.attributes or {})["exception.stacktrace"])
    assert "hush" not in text


def test_what_libraries_log_is_sent_but_not_what_the_exporter_says(shipped: Shipped) -> None:
    for name in ("uvicorn.error", "opentelemetry.exporter", "urllib3.connectionpool"):
        record = logging.LogRecord(name, logging.ERROR, __file__, 1, "it %s", ("broke",), None)
        shipped.handler.handle(record)

    assert [each["logger"] for each in shipped.printed] == [
        *("uvicorn.error", "opentelemetry.exporter", "urllib3.connectionpool")
    ]
    (sent,) = shipped.sent
    assert sent.log_record.body == "it broke"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        # The lines are on standard error; an endpoint for traces does not ask for them again.
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, False),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://c:4318/v1/logs"}, True),
        ({"OTEL_LOGS_EXPORTER": "otlp"}, True),
        ({"OTEL_LOGS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://c"}, False),
        ({"OTEL_LOGS_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_the_standard_variables_decide_whether_lines_are_sent(
    environment: dict[str, str], expected: bool
) -> None:
    assert wants_export(environment, Signal.LOGS) is expected


def test_nothing_is_built_where_nobody_asks() -> None:
    assert build_shipping("1.2.3") is None


def test_a_collector_that_is_away_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://127.0.0.1:1/v1/logs")
    shipping = build_shipping("1.2.3")
    assert shipping is not None

    shipping(None, "info", {"event": "it began"})

    assert not shipping.shutdown(timeout_seconds=0.2)
