"""Health checks: what plugins know of kinds, and how a target asks what a live object is like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shoal.model.health import Health
from shoal.model.health_rules import HealthRule
from shoal.model.identity import GroupKind, ObjectKey, TargetKey


class HealthCheck(Protocol):
    """Knows when objects of some kinds are healthy, better than their conditions tell."""

    @property
    def name(self) -> str:
        """What this check is called: `databases`."""
        ...

    @property
    def kinds(self) -> frozenset[GroupKind]:
        """The kinds it judges; no two checks may judge the same one."""
        ...

    def assess(self, body: Mapping[str, Any], /) -> Health | None:
        """The health of one live object, or None: then it is judged as if there were no check.

        Called whenever an object of these kinds changed, so it is pure and quick. An object that
        is being deleted, or whose newest change was not observed yet, is not asked about. Any part
        may be missing. It raises nothing; what it raises leaves the health Unknown.
        """
        ...


class Judge(Protocol):
    """What is said of an object before a target's own rules: by its application, and by plugins."""

    def rules(self, target: TargetKey) -> Sequence[HealthRule]:
        """The rules that count now; another sequence as soon as the target is granted another.

        What was judged by other rules is to be judged again: until then nobody knows its health.
        """
        ...

    def assess(self, target: TargetKey, key: ObjectKey, body: Mapping[str, Any]) -> Health | None:
        """The health of one live object; None when nobody speaks of it. Never raises."""
        ...
