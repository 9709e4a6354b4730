"""When to try again: exponentially later, jittered, never later than five minutes.

What a cluster forbids (a quota, a policy, a webhook) is tried after ten minutes at the latest.
Every loop uses it, so that a thousand targets that failed together do not come back together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shoal.errors import ForbiddenByCluster, ShoalError

FIRST_SECONDS = 1.0
MAX_SECONDS = 300.0
FORBIDDEN_MAX_SECONDS = 600.0  # its cause lives in the cluster, and somebody must change it there
SPREAD = 0.2  # of the delay, both ways
MAX_ASKED_SECONDS = 3600.0  # a server may ask for more patience than we have, but not for a day


def retry_at(
    failures: int,
    *,
    now: datetime,
    jitter: float,
    after_seconds: float | None = None,
    max_seconds: float = MAX_SECONDS,
) -> datetime:
    """The time of the next try after so many failures in a row (1 for the first).

    `jitter` is a random number from 0 to 1; 0.5 is none. `after_seconds`: not earlier than that, as
    a server asked, up to an hour. `max_seconds`: how patient to become.
    """
    delay = delay_seconds(failures, jitter, after_seconds, max_seconds=max_seconds)
    return now + timedelta(seconds=delay)


def delay_seconds(
    failures: int,
    jitter: float,
    after_seconds: float | None = None,
    *,
    max_seconds: float = MAX_SECONDS,
) -> float:
    """As `retry_at`, in seconds; 1, 2, 4 … and `max_seconds` at most, the spread included."""
    longest = max_seconds / (1 + SPREAD)
    # Beyond 2**16 the delay is at its longest anyway; a larger power would overflow a float.
    doubled = FIRST_SECONDS * 2.0 ** min(max(failures, 1) - 1, 16)
    spread = 1 + SPREAD * (2 * min(max(jitter, 0.0), 1.0) - 1)
    delay = min(doubled, longest) * spread
    return max(delay, min(after_seconds or 0.0, MAX_ASKED_SECONDS))


def longest_delay_seconds(errors: Sequence[ShoalError]) -> float:
    """How patient to become with these errors: more where only somebody's change can help."""
    are_forbidden = bool(errors) and all(isinstance(one, ForbiddenByCluster) for one in errors)
    return FORBIDDEN_MAX_SECONDS if are_forbidden else MAX_SECONDS


@dataclass(frozen=True, slots=True)
class Repetition:
    """What is done whenever something changes: when last, and not again before `next_at`.

    The first time at once; the more often there is cause for it, the later, up to five minutes.
    """

    last: datetime
    wait: timedelta

    @property
    def next_at(self) -> datetime:
        """When it may be done again."""
        return self.last + self.wait

    def again(self, now: datetime) -> Repetition:
        """It is done now; soon after it was allowed means that it goes on and on."""
        goes_on = now < self.next_at + self.wait
        longest = timedelta(seconds=MAX_SECONDS)
        return Repetition(now, min(self.wait * 2, longest) if goes_on else _FIRST_WAIT)


_FIRST_WAIT = timedelta(seconds=FIRST_SECONDS)
NEVER = Repetition(datetime.min.replace(tzinfo=UTC), timedelta())
