"""When to try again: exponentially later, jittered, never later than five minutes.

Every loop uses it, so that a thousand targets that failed together do not come back together.
"""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_SECONDS = 1.0
MAX_SECONDS = 300.0
SPREAD = 0.2  # of the delay, both ways
MAX_ASKED_SECONDS = 3600.0  # a server may ask for more patience than we have, but not for a day


def retry_at(
    failures: int, *, now: datetime, jitter: float, after_seconds: float | None = None
) -> datetime:
    """The time of the next try after so many failures in a row (1 for the first).

    `jitter` is a random number from 0 to 1; 0.5 is none. `after_seconds`: not earlier than that, as
    a server asked, up to an hour.
    """
    return now + timedelta(seconds=delay_seconds(failures, jitter, after_seconds))


def delay_seconds(failures: int, jitter: float, after_seconds: float | None = None) -> float:
    """As `retry_at`, in seconds; 1, 2, 4 … and 300 at most, the spread included."""
    longest = MAX_SECONDS / (1 + SPREAD)
    # Beyond 2**16 the delay is at its longest anyway; a larger power would overflow a float.
    doubled = FIRST_SECONDS * 2.0 ** min(max(failures, 1) - 1, 16)
    spread = 1 + SPREAD * (2 * min(max(jitter, 0.0), 1.0) - 1)
    delay = min(doubled, longest) * spread
    return max(delay, min(after_seconds or 0.0, MAX_ASKED_SECONDS))
