"""A judge of health that a test tells what to say: rules for every target alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shoal.model.health import Health
from shoal.model.health_rules import HealthRule
from shoal.model.identity import ObjectKey, TargetKey
from shoal.planning.judging import judge


@dataclass(slots=True)
class GivenJudge:
    """Judges by `given`, which the test may replace at any time, as a new revision would."""

    given: Sequence[HealthRule] = ()

    def rules(self, target: TargetKey) -> Sequence[HealthRule]:
        """The rules given last."""
        return self.given

    def assess(self, target: TargetKey, key: ObjectKey, body: Mapping[str, Any]) -> Health | None:
        """By these rules alone."""
        return judge(self.given, key, body)
