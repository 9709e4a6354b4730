"""Log lines: JSON or columns, UTC, the current trace, no secrets."""

from __future__ import annotations

import errno
import io
import logging
import os
from collections.abc import Iterator
from datetime import datetime, timedelta

import orjson
import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from shoal.telemetry.logs import configure_logs, logger, standard_handler
from shoal.telemetry.masking import Masking
from shoal.telemetry.spans import opened, trace_id


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class FullDisk(io.StringIO):
    is_full = True

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(text)


def test_a_line_is_json_with_a_constant_message_and_facts() -> None:
    stream = io.StringIO()
    configure_logs(Masking(), stream=stream)

    logger("shoal.engine").info("target synced", target="default/web@prod", objects=3)

    line = orjson.loads(stream.getvalue())
    at = datetime.fromisoformat(line.pop("timestamp"))
    assert at.utcoffset() == timedelta(0)
    assert line == {
        "message": "target synced",
        "target": "default/web@prod",
        "objects": 3,
        "level": "info",
        "logger": "shoal.engine",
    }


def test_a_line_names_the_trace_it_belongs_to() -> None:
    stream = io.StringIO()
    configure_logs(Masking(), stream=stream)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")

    with opened(tracer, "plan") as span:
        logger("shoal").info("planned")

    assert orjson.loads(stream.getvalue())["trace_id"] == trace_id(span)


def test_a_terminal_gets_columns() -> None:
    stream = Terminal()
    configure_logs(Masking(), stream=stream)

    logger("shoal").warning("cluster lost", cluster="prod")

    assert "cluster lost" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_the_level_is_a_threshold() -> None:
    stream = io.StringIO()
    configure_logs(Masking(), stream=stream, level="warning")

    logger("shoal").info("not shown")

    assert stream.getvalue() == ""


@pytest.mark.parametrize("as_json", [True, False])
def test_url_credentials_are_in_no_line(as_json: bool) -> None:
    stream = io.StringIO()
    configure_logs(Masking(), stream=stream, as_json=as_json)
    url = "https://me:hush@git.example.com"

    try:
        raise RuntimeError(url)
    except RuntimeError as error:
        logger("shoal").exception("fetch failed", url=url, tried=[url], error=error)

    assert "git.example.com" in stream.getvalue()
    assert "hush" not in stream.getvalue()


def test_lines_of_other_libraries_look_the_same() -> None:
    stream = io.StringIO()
    handler = standard_handler(Masking(), stream=stream)
    library = logging.getLogger("uvicorn.error")
    library.addHandler(handler)

    library.warning("cannot reach %s", "https://me:hush@host/")
    library.removeHandler(handler)

    line = orjson.loads(stream.getvalue())
    assert line["message"] == "cannot reach https://host/"
    assert (line["level"], line["logger"]) == ("warning", "uvicorn.error")


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else() -> None:
    stream = FullDisk()
    configure_logs(Masking(), stream=stream)

    logger("shoal").info("lost")
    stream.is_full = False
    logger("shoal").info("written")

    assert orjson.loads(stream.getvalue())["message"] == "written"
