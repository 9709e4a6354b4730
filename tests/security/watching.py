"""What leaves the process, and whether a canary is in it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.security.planting import PLACES, forms

from shoal.api.running import connect
from shoal.cli.ending import carry_out
from shoal.telemetry.logs import configure_logs, standard_handler
from shoal.telemetry.masking import Masking


@dataclass
class Outlets:
    """Log lines of every level, and the spans that were exported."""

    masking: Masking = field(default_factory=Masking)
    lines: io.StringIO = field(default_factory=io.StringIO)
    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    _handler: logging.Handler | None = None

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As `shoal run` would, but into memory, at the level debug."""
        configure_logs(self.masking, stream=self.lines, level="debug", as_json=True)
        self._handler = standard_handler(self.masking, stream=self.lines, as_json=True)
        logging.getLogger().addHandler(self._handler)
        for name in ("shoal", "uvicorn", "aiohttp", "sqlalchemy.engine", "asyncio"):
            monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")

        def exporting() -> SpanProcessor:
            return SimpleSpanProcessor(self.exporter)

        monkeypatch.setattr("shoal.telemetry.tracing._exporting_processor", exporting)

    def close(self) -> None:
        assert self._handler is not None
        logging.getLogger().removeHandler(self._handler)

    def spans(self) -> list[str]:
        return [span.to_json() for span in self.exporter.get_finished_spans()]


@dataclass
class Hunt:
    """Everything that was seen, by where it was seen."""

    seen: dict[str, list[str]] = field(default_factory=dict)

    def add(self, where: str, *texts: str) -> None:
        self.seen.setdefault(where, []).extend(texts)

    def found(self) -> list[str]:
        """`place at outlet: …words around it…` for each canary that got out."""
        return sorted({each for where, texts in self.seen.items() for each in _found(where, texts)})


def _found(where: str, texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        # As it was written, and as a reader of JSON would see it.
        for reading in (text, text.replace('\\"', '"').replace('\\"', '"')):
            for place in PLACES:
                for form in forms(place):
                    at = reading.find(form)
                    if at >= 0:
                        yield f"{place} at {where}: {reading[max(0, at - 60) : at + 60]!r}"


def ask(state: Path, method: str, path: str, body: Any = None) -> str:
    """One request to the local API; the answer as it came, whatever it is."""
    connection = HTTPConnection("localhost")
    connection.sock = connect(state, 30.0)
    with contextlib.closing(connection):
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        return f"{response.status} {response.headers} {response.read().decode()}"


def post(port: int, path: str, headers: dict[str, str], body: bytes) -> str:
    """One delivery to the webhooks; the answer as it came."""
    connection = HTTPConnection("127.0.0.1", port)
    with contextlib.closing(connection):
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return f"{response.status} {response.headers} {response.read().decode()}"


def shoal(*words: str) -> str:
    """What a command prints, on both streams."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = carry_out(words)
    return f"{' '.join(words)} → {code}\n{out.getvalue()}"


def kept(state: Path) -> dict[str, str]:
    """Every file of the state folder by its path; of a mirror, all but the repository's content."""
    return {
        str(path.relative_to(state)): path.read_bytes().decode("utf-8", errors="replace")
        for path in sorted(state.rglob("*"))
        if path.is_file() and not path.is_socket() and "objects" not in path.parts
    }
