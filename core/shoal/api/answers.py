"""Values and errors as JSON, and back: the envelope that the API and `-o json` share.

Lists are `{apiVersion, kind: "…List", items: […]}`, with `metadata.continue` when there is more;
items carry the field names of the views, times
are RFC 3339 in UTC. Errors are `{error: {reason, message, next_step}}`, where `reason` names a
class of `shoal.errors`, so that the client raises what the controller raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from shoal import errors
from shoal.errors import Permanent, Retryable, ShoalError

API_VERSION = "shoal.dev/v1alpha1"
BUG = "Bug"

_STATUS: Mapping[type[ShoalError], int] = {
    errors.UnknownName: 404,
    errors.AccessDenied: 403,
    errors.StateInUse: 409,
    errors.OwnershipConflict: 409,
    errors.BudgetExceeded: 413,
}


def envelope(
    kind: str,
    items: Sequence[Mapping[str, Any]],
    *,
    after: str = "",
    remaining: int | None = None,
    seen: str = "",
) -> dict[str, Any]:
    """A list as it goes over the wire and out of `-o json`.

    As in a list of Kubernetes, `metadata` says what leads to the next page (`after`), how many
    items come there, where that is known, and up to where it was `seen`, so that a watch can go on
    from there. A list that is whole, and cannot be watched from a place, has no `metadata`.
    """
    told: dict[str, Any] = {}
    if after:
        told["continue"] = after
    if after and remaining is not None:
        told["remainingItemCount"] = remaining
    if seen:
        told["resourceVersion"] = seen
    head: dict[str, Any] = {"apiVersion": API_VERSION, "kind": f"{kind}List"}
    return {**head, **({"metadata": told} if told else {}), "items": list(items)}


def fields_alone(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a single value, without what `single` put before them."""
    return {key: value for key, value in answer.items() if key not in ("apiVersion", "kind")}


def single(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """One thing as it goes over the wire and out of `-o json`."""
    return {"apiVersion": API_VERSION, "kind": kind, **fields}


def as_fields(value: Any) -> dict[str, Any]:
    """The fields of a view, hold, record or span; named tuples become their text."""
    assert is_dataclass(value)
    assert not isinstance(value, type)
    return asdict(value)


def http_status(error: ShoalError) -> int:
    """The HTTP status that fits: later for what can be tried again, 422 for what can not."""
    for kind, status in _STATUS.items():
        if isinstance(error, kind):
            return status
    return 503 if isinstance(error, Retryable) else 422


def error_body(reason: str, message: str, next_step: str = "") -> dict[str, Any]:
    """The body of an answer that is an error."""
    return {"error": {"reason": reason, "message": message, "next_step": next_step}}


def raise_error(body: Mapping[str, Any]) -> None:
    """Raise what the controller raised; a reason that this version does not know is Permanent."""
    error = body.get("error")
    if not isinstance(error, Mapping):
        return
    kind = getattr(errors, str(error.get("reason")), None)
    if not (isinstance(kind, type) and issubclass(kind, ShoalError)):
        kind = Permanent
    raise kind(str(error.get("message")), next_step=str(error.get("next_step") or ""))
