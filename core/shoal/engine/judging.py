"""The judge that targets ask about health: the application's rules first, then plugins' checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.engine.state import EngineState
from shoal.errors import Permanent, ShoalError
from shoal.hooks.health import HealthCheck
from shoal.model.health import Health, HealthState
from shoal.model.health_rules import HealthRule
from shoal.model.identity import GroupKind, ObjectKey, TargetKey
from shoal.planning.judging import judge


def by_kind(checks: Iterable[HealthCheck]) -> Mapping[GroupKind, HealthCheck]:
    """The check of each kind; Permanent when two would judge the same one."""
    found: dict[GroupKind, HealthCheck] = {}
    for check in checks:
        for kind in check.kinds:
            other = found.setdefault(kind, check)
            if other is not check:
                raise Permanent(
                    f"two health checks judge {kind}: {other.name} and {check.name}",
                    next_step="uninstall one of the two plugins; see shoal plugin list",
                )
    return found


@dataclass(frozen=True, slots=True)
class Judging:
    """Knows the rules that each target was granted. Its `assess` is the border to checks."""

    state: EngineState
    checks: Mapping[GroupKind, HealthCheck]
    guard: Guard

    def rules(self, target: TargetKey) -> Sequence[HealthRule]:
        """The rules of what the target should hold now."""
        known = self.state.targets.get(target)
        return known.desired.health if known is not None and known.desired is not None else ()

    def assess(self, target: TargetKey, key: ObjectKey, body: Mapping[str, Any]) -> Health | None:
        """The health by rule or check; a check that fails leaves it unknown, and says so."""
        rules = self.rules(target)
        found = judge(rules, key, body) if rules else None
        check = self.checks.get(key.group_kind) if found is None else None
        if check is None:
            return found
        try:
            return self.guard.say(
                "health", check.name, str(key), lambda: check.assess(body), answers.health
            )
        except ShoalError as error:
            return Health(HealthState.UNKNOWN, str(error))
