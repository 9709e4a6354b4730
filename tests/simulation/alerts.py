"""The Alerts of a simulated fleet: what their documents say, and by that, what they select.

Drawn once for a run; only mutes come and go. Which events they are about is said here again, in as
few words as these documents need, so that the engine's own answer has something to be held against.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.engine.virtual_time import START
from tests.simulation.schedule import Scenario

from shoal.model.alert_policies import TROUBLES
from shoal.model.alerts import Event, EventKind, Stage

_ALL = tuple(EventKind)


@dataclass(frozen=True, slots=True)
class Alert:
    """What one Alert says; `places` are its destinations, in order."""

    name: str
    places: tuple[str, ...]
    events: tuple[EventKind, ...]
    applications: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    is_telling_recoveries: bool = True
    timing: dict[str, Any] = field(default_factory=dict)

    def selects(self, event: Event) -> bool:
        """Whether it is about an event that begins or just happens."""
        application = event.application.partition("/")[2]
        return (
            event.kind in self.events
            and event.stage is not Stage.ENDED
            and (not application or not self.applications or application in self.applications)
            and (not event.cluster or not self.clusters or event.cluster in self.clusters)
        )

    def spec(self, muted_until: float) -> dict[str, Any]:
        """Its document's, muted until a virtual second."""
        mute = {"until": (START + timedelta(seconds=muted_until)).isoformat(), "reason": "a rest"}
        return {
            "to": [{"noting": {"to": place}} for place in self.places],
            "events": list(self.events),
            "applications": {"names": list(self.applications)},
            "clusters": {"names": list(self.clusters)},
            "whenRecovered": "Tell" if self.is_telling_recoveries else "Ignore",
            **self.timing,
            **({"mute": [mute]} if muted_until else {}),
        }


def alerts_of(scenario: Scenario) -> dict[str, Alert]:
    """The Alerts of a scenario, by name."""
    return {name: _drawn(name, scenario) for name in scenario.alerts}


def _drawn(name: str, scenario: Scenario) -> Alert:
    draw = scenario.stream(f"alert {name}")
    timing: dict[str, Any] = {
        "groupFor": draw.choice(("1s", "30s", "2m")),
        "groupBy": draw.choice(
            (["Event"], [], ["Cluster"], ["Application", "Cluster"], ["Event", "Application"])
        ),
    }
    if draw.random() < 0.3:
        timing["repeatAfter"] = draw.choice(("5m", "40m"))
    return Alert(
        name,
        places=tuple(f"{name}.{number}" for number in range(draw.choice((1, 1, 2)))),
        events=draw.choice((TROUBLES, TROUBLES, _ALL, tuple(draw.sample(_ALL, 3)))),
        applications=_some(scenario.applications, draw),
        clusters=_some(scenario.clusters, draw),
        is_telling_recoveries=draw.random() < 0.8,
        timing=timing,
    )


def _some(names: tuple[str, ...], draw: random.Random) -> tuple[str, ...]:
    """Mostly none, which is all of them."""
    return tuple(draw.sample(names, 1)) if draw.random() < 0.25 else ()
