"""From a scenario that fails to a small one that fails in the same way.

Zeller's ddmin over the list of events, then fewer clusters, applications and Alerts, then a shorter
run. What is left need not be the smallest; no single entry of it can be taken away any more, unless
time ran out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.simulation.schedule import Event, Scenario

Fails = Callable[[Scenario], bool]


def shrink(scenario: Scenario, fails: Fails, *, seconds: float) -> Scenario:
    """The smallest scenario found in this time that still fails."""
    until = time.monotonic() + seconds

    def still_fails(tried: Scenario) -> bool:
        return time.monotonic() < until and fails(tried)

    before = None
    while before != scenario:
        before = scenario
        scenario = _with_fewer_events(scenario, still_fails)
        for name in (*scenario.clusters, *scenario.applications, *scenario.alerts):
            fewer = scenario.without(name)
            if fewer.clusters and fewer.applications and still_fails(fewer):
                scenario = fewer
        for pair in scenario.waiting:
            freer = replace(scenario, waiting=tuple(w for w in scenario.waiting if w != pair))
            if still_fails(freer):
                scenario = freer
        scenario = _shorter(scenario, still_fails)
    return scenario


def _with_fewer_events(scenario: Scenario, fails: Fails) -> Scenario:
    events, parts = list(scenario.events), 2
    while len(events) > 1:
        size = max(1, len(events) // parts)
        chunks = [events[at : at + size] for at in range(0, len(events), size)]
        rest = _first_that_fails(scenario, chunks, fails)
        if rest is not None:
            events, parts = rest, max(parts - 1, 2)
        elif size == 1:
            break
        else:
            parts = min(parts * 2, len(events))
    return scenario.with_events(events)


def _first_that_fails(
    scenario: Scenario, chunks: Sequence[Sequence[Event]], fails: Fails
) -> list[Event] | None:
    """The events without the first chunk that is not needed; None when all are."""
    for index in range(len(chunks)):
        rest = [event for chunk in (*chunks[:index], *chunks[index + 1 :]) for event in chunk]
        if fails(scenario.with_events(rest)):
            return rest
    return None


def _shorter(scenario: Scenario, fails: Fails) -> Scenario:
    last = max((event.at + event.seconds for event in scenario.events), default=0.0)
    for hours in (round(last / 3600 + 0.02, 2), round(last / 3600 + 0.5, 2)):
        shorter = replace(scenario, hours=hours)
        if hours < scenario.hours and fails(shorter):
            return shorter
    return scenario
