"""Prometheus' own readers, and nothing of the machine's own telemetry."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.programs import locate_needed, located, own_program

PROMETHEUS = own_program("prometheus-reader", Path(__file__).parent / "prometheus")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the program first: a quarter of a minute, once."""
    locate_needed(session, {"prometheus": [PROMETHEUS]})


@dataclass(frozen=True)
class Prometheus:
    """Reads as Prometheus does; what it refuses is an AssertionError."""

    program: Path

    def page(self, page: bytes) -> list[Mapping[str, Any]]:
        """The series of a page: labels (the name is `__name__`) and value."""
        return self._run("metrics", given=page)

    def expressions(self, expressions: Sequence[str]) -> dict[str, list[str]]:
        """The names of the metrics that each expression selects."""
        return self._run("expressions", given=json.dumps(expressions).encode())

    def rules(self, *files: Path) -> list[str]:
        """The expressions of rule files."""
        return self._run("rules", *map(str, files))

    def _run(self, *arguments: str, given: bytes = b"") -> Any:
        ended = subprocess.run([self.program, *arguments], input=given, capture_output=True)
        assert ended.returncode == 0, ended.stderr.decode()
        return json.loads(ended.stdout)


@pytest.fixture(scope="session")
def prometheus() -> Prometheus:
    """Prometheus' readers of pages, expressions and rules."""
    return Prometheus(located(PROMETHEUS))


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own telemetry."""
    for signal in ("", "TRACES_", "METRICS_", "LOGS_"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT", raising=False)
        if signal:
            monkeypatch.delenv(f"OTEL_{signal}EXPORTER", raising=False)
    for name in (
        "OTEL_TRACES_SAMPLER",
        "OTEL_SDK_DISABLED",
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
    ):
        monkeypatch.delenv(name, raising=False)
