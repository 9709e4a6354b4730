"""Assessing: what the health of an object is, from all who have a say in it.

First what is true of every object (it is going away, its controller has not seen our change), then
the application's rules and the checks of plugins, then the rules of kstatus. What is not healthy is
handed to who finds out why. When the rules of a target change, what was judged by the old ones is
Unknown from that moment, and its kinds are listed again: live objects are not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shoal.hooks.health import Judge
from shoal.model.health import Health, HealthState
from shoal.model.health_rules import HealthRule
from shoal.model.identity import GroupKind, ObjectKey, TargetKey
from shoal.model.plans import Owned
from shoal.model.sightings import Sighting
from shoal_clusters.kubernetes.health import NO_CONDITIONS, assess, early
from shoal_clusters.kubernetes.investigating import Investigator
from shoal_clusters.kubernetes.register import Outbox, Register
from shoal_clusters.kubernetes.unattended import Unattended

Body = Mapping[str, Any]
_JUDGED_ANEW = Health(HealthState.UNKNOWN, "its health rules changed; it is looked at again")


class Assessor:
    """Judges the health of the objects of one session."""

    def __init__(
        self,
        judge: Judge,
        register: Register,
        outbox: Outbox,
        has_status: Callable[[GroupKind], bool],
        causes: Investigator,
        unattended: Unattended,
    ) -> None:
        self._judge = judge
        self._register = register
        self._outbox = outbox
        self._has_status = has_status
        self._causes = causes
        self._unattended = unattended
        self._judged: dict[TargetKey, Sequence[HealthRule]] = {}

    def health(self, row: Owned, live: Body, *, is_written: bool = False) -> Health:
        """The health of one live object; `is_written`: this is the response to a write of it."""
        key = row.key
        if row.target not in self._judged:
            self._judged[row.target] = self._judge.rules(row.target)
        if is_written:
            self.gone(key)
        if early(live, key.group_kind) is not None:
            # Nothing around it says anything of what was written now.
            self.gone(key)
            return assess(live, key.group_kind)
        found = assess(
            live,
            key.group_kind,
            has_status=self._has_status(key.group_kind),
            judged=lambda: self._judge.assess(row.target, key, live),
        )
        if found == NO_CONDITIONS:
            return self._unattended.worded(row, live, found)
        self._unattended.forget(key)
        return self._causes.worded(row, live, found)

    def gone(self, key: ObjectKey) -> None:
        """The object is not there any more, or not ours."""
        self._causes.forget(key)
        self._unattended.forget(key)

    def follow_rules(self, target: TargetKey) -> set[GroupKind]:
        """Doubt what was judged by other rules than those that count now.

        The kinds to be listed again; none when nothing was judged, or the rules are the same.
        """
        rules = self._judge.rules(target)
        before = self._judged.get(target, rules)
        if before == rules:
            return set()
        self._judged[target] = rules
        doubted = [
            row
            for row in self._register.rows_of(target, ()).values()
            if any(rule.target.fits(row.key) for rule in (*before, *rules))
        ]
        for row in doubted:
            self.gone(row.key)
            self._register.doubt(row)
            drift = self._register.drifted.get(row.key)
            now = datetime.now(UTC)
            self._outbox.put(Sighting(target, row.key, now, _JUDGED_ANEW, drift))
        return {row.key.group_kind for row in doubted}
