"""Judges a live object by the rules of its application. Pure.

A field that is not there yet makes a rule untrue, and the reason says which one it was, so that a
misspelt one is seen. Every other failure leaves the health unknown: a rule that cannot be evaluated
neither lets anything pass nor calls it broken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shoal.errors import ExpressionFailed, MissingField
from shoal.model.expressions import is_true, text_of
from shoal.model.health import Health, HealthState
from shoal.model.health_rules import HealthRule
from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.masking import cut

_SECRET = GroupKind("", "Secret")
Body = Mapping[str, Any]


def judge(rules: Sequence[HealthRule], key: ObjectKey, body: Body) -> Health | None:
    """The health by the first rule that speaks of this object; None when there is none."""
    for index, rule in enumerate(rules):
        if rule.target.fits(key):
            return _judged(rule, f"spec.health[{index}]", {"object": _shown(key, body)})
    return None


def _judged(rule: HealthRule, where: str, values: Mapping[str, Any]) -> Health:
    missing: list[str] = []
    try:
        if _holds(rule.progressing, f"{where}.progressing", values, missing):
            return Health(HealthState.PROGRESSING, _why(rule, where, values, []))
        if _holds(rule.degraded, f"{where}.degraded", values, missing):
            return Health(HealthState.DEGRADED, _why(rule, where, values, []))
        if _holds(rule.healthy, f"{where}.healthy", values, missing):
            return Health(HealthState.HEALTHY)
    except ExpressionFailed as error:
        return Health(HealthState.UNKNOWN, str(error))
    return Health(HealthState.PROGRESSING, _why(rule, where, values, missing))


def _holds(rule: str | None, where: str, values: Mapping[str, Any], missing: list[str]) -> bool:
    try:
        return rule is not None and is_true(rule, values)
    except MissingField as error:
        missing.append(f"{where}: {error}")
        return False
    except ExpressionFailed as error:
        raise ExpressionFailed(f"{where}: {error}") from error


def _why(rule: HealthRule, where: str, values: Mapping[str, Any], missing: list[str]) -> str:
    """The rule's own words, those of the object's conditions, or what is not there yet."""
    said = _message(rule, where, values) or _conditions(values["object"])
    if said:
        return cut(said)
    return cut(missing[-1]) if missing else f"{where} does not call it healthy"


def _message(rule: HealthRule, where: str, values: Mapping[str, Any]) -> str:
    try:
        return text_of(rule.message, values) if rule.message is not None else ""
    except MissingField:
        return ""
    except ExpressionFailed as error:
        return f"{where}.message: {error}"


def _conditions(body: Body) -> str:
    """What the first condition says that is not true and says something."""
    status = body.get("status")
    conditions = status.get("conditions") if isinstance(status, Mapping) else None
    for condition in conditions if isinstance(conditions, list) else ():
        if isinstance(condition, Mapping) and condition.get("status") != "True":
            said = condition.get("message") or condition.get("reason")
            if said:
                return f"{condition.get('type')}: {said}"
    return ""


def _shown(key: ObjectKey, body: Body) -> Body:
    """What a rule sees: no bookkeeping of the server, and of a Secret no value."""
    shown = dict(body)
    metadata = body.get("metadata")
    if isinstance(metadata, Mapping):
        shown["metadata"] = {
            name: part for name, part in metadata.items() if name != "managedFields"
        }
    if key.group_kind == _SECRET:
        shown.pop("data", None)
    return shown
