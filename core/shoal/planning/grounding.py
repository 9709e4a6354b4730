"""Puts the facts of a cluster where an override refers to them.

An override is written once for many clusters; before a part of it is carried out for one of them,
every reference in that part is replaced. All facts that are missing are told at once. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from shoal.errors import MissingFact
from shoal.model.choice import Spec
from shoal.model.facts import Look, references, substituted
from shoal.planning.patching import PatchFailed

S = TypeVar("S", bound=Spec)


def grounded(value: Any, look: Look, *, where: str = "") -> Any:
    """The value with its references replaced; PatchFailed at `where` names every missing fact."""
    names = references(value)
    missing = [reason for name in sorted(names) if (reason := _why_missing(name, look))]
    if missing:
        raise PatchFailed(", and ".join(missing), where=where)
    try:
        return substituted(value, look)
    except MissingFact as error:  # a list or mapping inside longer text
        raise PatchFailed(str(error), where=where) from error


def grounded_each(values: Sequence[Any], look: Look, *, where: str) -> list[Any]:
    """The same for each value of a list; one PatchFailed names what is missing in all of them."""
    found: list[Any] = []
    missing: list[PatchFailed] = []
    for number, value in enumerate(values):
        try:
            found.append(grounded(value, look, where=f"{where}[{number}]"))
        except PatchFailed as error:
            missing.append(error)
    if not missing:
        return found
    first, *others = missing
    reasons = [first.reason, *(f"{each.where.lstrip('.')}: {each.reason}" for each in others)]
    raise PatchFailed(", and ".join(reasons), where=first.where)


def grounded_spec(part: S, look: Look, *, where: str = "") -> S:
    """A part of an override with its references replaced, and judged anew as what it is then."""
    written = part.model_dump(mode="json", exclude_unset=True)
    if not references(written):
        return part
    value = grounded(written, look, where=where)
    if references(value):
        reason = "a fact of the cluster is itself a reference to a fact, which is not followed"
        raise PatchFailed(reason, where=where)
    try:
        return type(part).model_validate(value)
    except ValidationError as error:
        raise PatchFailed(_why_unfit(error), where=where) from error


def _why_missing(name: str, look: Look) -> str:
    try:
        look(name)
    except MissingFact as error:
        return str(error).replace("; ", ", ")
    return ""


def _why_unfit(error: ValidationError) -> str:
    """The first fault; never what stands in the field."""
    first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "it"
    if first["type"] == "string_type":
        return f"with the cluster's facts, {field} is not text: quote it in the Cluster document"
    reason = first["msg"].removeprefix("Value error, ")
    return f"with the cluster's facts, {field} does not fit: {reason}"
