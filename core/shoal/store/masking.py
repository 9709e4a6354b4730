"""What somebody said is made fit to be kept, before it becomes a row.

Names, digests and times are kept as they are, because rows are found by them. Which texts hold a
secret, the store cannot know: it is handed the function that can (`Masking.value` of telemetry).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shoal.store.changes import (
    Append,
    Change,
    PutApproval,
    PutHold,
    PutIntent,
    PutStream,
    PutTarget,
)

Mask = Callable[[Any], Any]
"""Takes a text, or JSON with texts in it, and gives it back without secrets."""


def as_it_is(value: Any) -> Any:
    """Masks nothing: for a store whose every text is known, as in a test."""
    return value


def masked(change: Change, mask: Mask) -> Change:
    """The same change with every sentence in it masked."""
    match change:
        case Append(entry):
            return Append(replace(entry, why=mask(entry.why), body=mask(entry.body)))
        case PutTarget(state):
            return PutTarget(replace(state, error=mask(state.error), details=mask(state.details)))
        case PutIntent(intent):
            return PutIntent(replace(intent, why=mask(intent.why)))
        case PutHold(hold):
            return PutHold(replace(hold, reason=mask(hold.reason)))
        case PutStream(key, stream) if stream.outgoing is not None:
            tried = replace(
                stream.outgoing,
                error=mask(stream.outgoing.error),
                next_step=mask(stream.outgoing.next_step),
            )
            return PutStream(key, replace(stream, outgoing=tried))
        case PutApproval(approval):
            return PutApproval(replace(approval, reason=mask(approval.reason)))
    return change
