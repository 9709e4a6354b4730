"""What is said of a cluster that was looked at once: its version, its clock."""

from datetime import UTC, datetime, timedelta

import pytest

from shoal_clusters.kubernetes.examining import TESTED, clock_ahead, doubts_about
from shoal_clusters.transport import Answer

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (f"v{TESTED[0]}.4", ""),
        (f"v{TESTED[-1]}.2+k3s1", ""),
        ("v1.36.0-gke.1", ""),
        ("v1.22.9", "is older than 1.23"),
        ("v1.99.0", f"is newer than {TESTED[-1]}"),
        ("unknown", "is no version of Kubernetes"),
    ],
)
def test_a_version_that_was_not_tested_is_said(version: str, said: str) -> None:
    found = doubts_about(version)

    assert bool(found) == bool(said)
    assert all(said in doubt for doubt in found)


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Fri, 02 Jan 2026 12:00:00 GMT", 0.5),
        ("Fri, 02 Jan 2026 12:01:00 GMT", 60.5),
        ("Fri, 02 Jan 2026 11:59:00 GMT", -59.5),
        ("Fri, 02 Jan 2026 12:00:00", None),
        ("noon", None),
        ("", None),
    ],
)
def test_how_far_its_clock_is_ahead_is_read_from_its_answer(date: str, ahead: float | None) -> None:
    answer = Answer(200, {"Date": date}, b"")

    assert clock_ahead(answer, NOON) == ahead
    if ahead is not None:
        assert clock_ahead(answer, NOON + timedelta(seconds=1)) == ahead - 1
