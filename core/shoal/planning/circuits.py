"""Whether a cluster is worth a request: the circuit of one connection, as a value.

The supervisor of a cluster probes when `probe_at` has come, tells the circuit how it went and keeps
the answer. Five failures in a row open it; an open circuit is probed ever more rarely, up to five
minutes; two good probes close it again. Its back-off is forgotten only after a steady while, so a
flapping cluster does not win a fresh start each time it comes up for a moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shoal.planning.backing_off import retry_at

PROBE_INTERVAL = timedelta(seconds=10)
PROBE_TIMEOUT = timedelta(seconds=5)
RECHECK = timedelta(seconds=1)  # between the two good probes that close an open circuit
FAILURES_TO_OPEN = 5
SUCCESSES_TO_CLOSE = 2
SUCCESSES_TO_FORGET = 6  # a minute of good probes


class CircuitState(StrEnum):
    """Closed: requests go through. Open: none. HalfOpen: one good probe, one more to come."""

    CLOSED = "Closed"
    OPEN = "Open"
    HALF_OPEN = "HalfOpen"


@dataclass(frozen=True, slots=True)
class Circuit:
    """One connection's circuit; every method gives the next value.

    `failures` and `successes` are probes in a row. `openings` counts failed attempts to come back
    since the cluster was last steady; `since` is when the state began.
    """

    state: CircuitState
    since: datetime
    probe_at: datetime
    failures: int = 0
    successes: int = 0
    openings: int = 0

    @classmethod
    def new(cls, now: datetime) -> Circuit:
        """A cluster that was never seen: trusted, and probed at once."""
        return cls(CircuitState.CLOSED, since=now, probe_at=now)

    @property
    def is_usable(self) -> bool:
        """Whether requests may be sent; probes are sent in any state."""
        return self.state is CircuitState.CLOSED

    def after_success(self, now: datetime) -> Circuit:
        """The API server answered a probe."""
        successes = self.successes + 1
        if self.state is CircuitState.CLOSED:
            openings = 0 if successes >= SUCCESSES_TO_FORGET else self.openings
            return replace(
                self,
                probe_at=now + PROBE_INTERVAL,
                failures=0,
                successes=successes,
                openings=openings,
            )
        if successes >= SUCCESSES_TO_CLOSE:
            return Circuit(
                CircuitState.CLOSED, now, now + PROBE_INTERVAL, 0, successes, self.openings
            )
        since = self.since if self.state is CircuitState.HALF_OPEN else now
        return Circuit(CircuitState.HALF_OPEN, since, now + RECHECK, 0, successes, self.openings)

    def after_failure(
        self, now: datetime, jitter: float, after_seconds: float | None = None
    ) -> Circuit:
        """A probe failed. `jitter` and `after_seconds` are those of `retry_at`."""
        failures = self.failures + 1
        if self.state is CircuitState.CLOSED and failures < FAILURES_TO_OPEN:
            # Looked at more closely than a healthy one: 1, 2, 4, 8 seconds.
            soon = retry_at(failures, now=now, jitter=jitter, after_seconds=after_seconds)
            probe_at = min(soon, now + PROBE_INTERVAL)
            return replace(self, probe_at=probe_at, failures=failures, successes=0)
        openings = self.openings + 1
        later = retry_at(openings, now=now, jitter=jitter, after_seconds=after_seconds)
        since = self.since if self.state is CircuitState.OPEN else now
        return Circuit(CircuitState.OPEN, since, later, failures, 0, openings)

    def after_drop(self, now: datetime) -> Circuit:
        """The connection was dropped: probe at once. It says nothing yet about the API server.

        An open circuit keeps its back-off: there was no connection worth the name.
        """
        if self.state is CircuitState.OPEN:
            return self
        return replace(self, probe_at=min(self.probe_at, now))
