"""What the answer of a receiver means: taken, later, never, or not allowed.

Called by each notifier that speaks HTTP. Nothing of an answer's body is repeated but Slack's own
words of error, for it may hold anything.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from shoal.errors import AccessDenied, HttpFailed, Permanent
from shoal.hooks.host import HttpAnswer

_REFUSED = frozenset({400, 406, 411, 413, 415, 422, 431})
"""The batch itself is refused: another try of the same would be, too."""
_LONGEST_WAIT_SECONDS = 3600.0


def check(answer: HttpAnswer, host: str, *, said: str = "") -> None:
    """Return when the receiver has taken it; raise what the notifier is to raise otherwise."""
    status = answer.status
    told = f"{host} answered with status {status}" + (f" ({said})" if said else "")
    if 200 <= status < 300:
        return
    if status == 429 or status >= 500 or status in (408, 425):
        raise HttpFailed(told, after_seconds=wait_of(answer, datetime.now(UTC)))
    if status in _REFUSED:
        raise Permanent(f"{told}: it will not take this batch", next_step="see the receiver's log")
    if 300 <= status < 400:
        raise AccessDenied(
            f"{told}: it leads elsewhere, and no redirect is followed",
            next_step="write the address that it leads to, if you know it",
        )
    raise AccessDenied(told, next_step="correct the address or the secret of this destination")


def wait_of(answer: HttpAnswer, now: datetime) -> float | None:
    """The seconds that `Retry-After` asks for (RFC 9110, 10.2.3); None when it asks for nothing."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), _LONGEST_WAIT_SECONDS)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max((aware - now).total_seconds(), 0.0), _LONGEST_WAIT_SECONDS)
