"""Fixtures of tests in which plugins misbehave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture
def no_tracebacks() -> Iterator[None]:
    """To print them takes far longer than the tests."""
    with capture_logs():
        yield
