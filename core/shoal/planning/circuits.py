"""Whether a cluster is worth a request: the circuit of one connection, as a value.

The supervisor of a cluster probes when `probe_at` has come, tells the circuit how it went and keeps
the answer. Five failures in a row open it; an open circuit is probed ever more rarely, up to five
minutes; two good probes close it again. Its back-off is forgotten only after a steady while, so a
flapping cluster does not win a fresh start each time it comes up for a moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shoal.planning.backing_off import retry_at

FAILURES_TO_OPEN = 5
SUCCESSES_TO_CLOSE = 2
SUCCESSES_TO_FORGET = 6  # a minute of good probes


@dataclass(frozen=True, slots=True)
class Timing:
    """How often a cluster is probed, and how long for; handed in, so that a test may hurry.

    `recheck` lies between the two good probes that close an open circuit, and between two that were
    asked for by requests without an answer.
    """

    probe_interval: timedelta = timedelta(seconds=10)
    probe_timeout: timedelta = timedelta(seconds=5)
    recheck: timedelta = timedelta(seconds=1)


TIMING = Timing()


class CircuitState(StrEnum):
    """Closed: requests go through. Open: none. HalfOpen: one good probe, one more to come."""

    CLOSED = "Closed"
    OPEN = "Open"
    HALF_OPEN = "HalfOpen"


@dataclass(frozen=True, slots=True)
class Circuit:
    """One connection's circuit; every method gives the next value.

    `failures` and `successes` are probes in a row, `probed_at` is when the last one was over.
    `openings` counts failed attempts to come back since the cluster was last steady, broken
    sessions included; `since` is when the state began.
    """

    state: CircuitState
    since: datetime
    probe_at: datetime
    probed_at: datetime | None = None
    failures: int = 0
    successes: int = 0
    openings: int = 0
    timing: Timing = field(default=TIMING, repr=False)

    @classmethod
    def new(cls, now: datetime, timing: Timing = TIMING) -> Circuit:
        """A cluster that was never seen: trusted, and probed at once."""
        return cls(CircuitState.CLOSED, since=now, probe_at=now, timing=timing)

    @property
    def is_usable(self) -> bool:
        """Whether requests may be sent; probes are sent in any state."""
        return self.state is CircuitState.CLOSED

    def after_success(self, now: datetime) -> Circuit:
        """The API server answered a probe."""
        successes = self.successes + 1
        later = replace(
            self,
            probe_at=now + self.timing.probe_interval,
            probed_at=now,
            failures=0,
            successes=successes,
        )
        if self.state is CircuitState.CLOSED:
            return replace(later, openings=0) if successes >= SUCCESSES_TO_FORGET else later
        if successes >= SUCCESSES_TO_CLOSE:
            return replace(later, state=CircuitState.CLOSED, since=now)
        since = self.since if self.state is CircuitState.HALF_OPEN else now
        soon = now + self.timing.recheck
        return replace(later, state=CircuitState.HALF_OPEN, since=since, probe_at=soon)

    def after_failure(
        self, now: datetime, jitter: float, after_seconds: float | None = None
    ) -> Circuit:
        """A probe failed. `jitter` and `after_seconds` are those of `retry_at`."""
        failures = self.failures + 1
        if self.state is CircuitState.CLOSED and failures < FAILURES_TO_OPEN:
            # Looked at more closely than a healthy one: 1, 2, 4, 8 seconds.
            soon = retry_at(failures, now=now, jitter=jitter, after_seconds=after_seconds)
            probe_at = min(soon, now + self.timing.probe_interval)
            return replace(self, probe_at=probe_at, probed_at=now, failures=failures, successes=0)
        openings = self.openings + 1
        return replace(
            self,
            state=CircuitState.OPEN,
            since=self.since if self.state is CircuitState.OPEN else now,
            probe_at=retry_at(openings, now=now, jitter=jitter, after_seconds=after_seconds),
            probed_at=now,
            failures=failures,
            successes=0,
            openings=openings,
        )

    def after_break(self, now: datetime, jitter: float) -> Circuit:
        """The session broke although the API server answers: open it again, each time later.

        The wait grows until the cluster was steady for a while; a good probe alone, which every new
        session begins with, must not win it a fresh start.
        """
        openings = self.openings + 1
        probe_at = retry_at(openings, now=now, jitter=jitter)
        return replace(self, probe_at=probe_at, successes=0, openings=openings)

    def after_drop(self, now: datetime) -> Circuit:
        """A request got no answer: probe at once. It says nothing yet about the API server.

        While probes fail, or the circuit is open, its back-off stays: a hundred requests that fail
        together are one failure, not a reason for a hundred probes. Nor are a hundred that fail one
        after the other while every probe is answered: there is a `recheck` between two.
        """
        if self.failures or self.state is CircuitState.OPEN:
            return self
        earliest = now if self.probed_at is None else self.probed_at + self.timing.recheck
        return replace(self, probe_at=min(self.probe_at, max(now, earliest)))
