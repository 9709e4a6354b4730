"""How the targets of an application stand, and which of them speaks for all of them.

There may be thousands, so only what is counted is found out of each, and a sentence is made of no
more than it takes to find the one that needs a person most. Made when somebody looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shoal.engine.phasing import blocked_of, health_of, phase_of
from shoal.engine.saying import SEVERITY_OF_PHASE, Told, say_target
from shoal.engine.state import ApplicationState, EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.views.applications import TargetPhase
from shoal.model.documents import Application
from shoal.model.health import SEVERITY, Health, HealthState


class Stance(NamedTuple):
    """Where one target stands, how its worst object does, and how many objects do not get on."""

    target: TargetState
    phase: TargetPhase
    health: Health
    blocked: int

    @property
    def cluster(self) -> str:
        """Where it is."""
        return self.target.key.cluster

    @property
    def loudness(self) -> tuple[int, bool, bool, int]:
        """How much it needs a person: by its phase, then by how well its objects do."""
        health = SEVERITY[self.health.state]
        is_bad = health >= SEVERITY[HealthState.DEGRADED]
        return SEVERITY_OF_PHASE[self.phase], is_bad, self.blocked > 0, health

    @property
    def has_nothing_to_say(self) -> bool:
        """Whether all is well and will likely stay so: of most targets there is nothing to tell."""
        is_well = self.phase is TargetPhase.SYNCED and self.health.state is HealthState.HEALTHY
        return is_well and not self.target.beside


def stance_of(state: EngineState, target: TargetState) -> Stance:
    """How one target stands now."""
    phase, health = phase_of(state, target), health_of(state, target)
    return Stance(target, phase, health, blocked_of(state, target))


def say_application(
    state: EngineState,
    known: ApplicationState,
    targets: Sequence[Stance],
    document: Application | None,
) -> Told:
    """What is to be said of an application: its own trouble, its worst target's, its source's."""
    if known.error is not None:
        return known.error.message, known.error.next_step
    if document is not None and known.is_rendered and not known.placed:
        return "its placement selects no cluster", "shoal get clusters -o yaml shows their labels"
    telling = [each for each in targets if not each.has_nothing_to_say]
    for each in sorted(telling, key=lambda one: one.loudness, reverse=True):
        message, next_step = say_target(state, each.target, each.phase, each.health)
        if message:
            return f"{each.cluster}: {message}", next_step
    return _say_source(state, document)


def _say_source(state: EngineState, document: Application | None) -> Told:
    """All is as it was last read; whether it can still be read is another matter."""
    source = state.sources.get(document.source_ref) if document else None
    if document is None or source is None or source.error is None:
        return "", ""
    return f"source {document.source_ref}: {source.error.message}", source.error.next_step
