"""What the engine tells of how long things take: the one place where its events become numbers.

The engine's parts say what happened in their own words (a key waited, a revision arrived, a plugin
answered), and know neither metrics nor who looks at them. Where nobody does, nothing is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shoal import errors
from shoal.model.metrics import Attributes, Metric
from shoal.telemetry import measures, names

Record = Callable[[Metric, float, Attributes], None]

_OUTCOMES = frozenset(
    {"ok", "cancelled", "timeout"}
    | {name for name, each in vars(errors).items() if isinstance(each, type)}
)
_STREAMS = frozenset({"sightings"})
"""Calls that wait for something to happen: how long that took is nobody's fault."""


def nobody(metric: Metric, value: float, attributes: Attributes) -> None:
    """Told to nobody."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """Tells events as numbers to `record`."""

    record: Record = nobody

    def waited(self, queue: str, priority: str, span: timedelta) -> None:
        """A key of a queue has its turn."""
        attributes = {measures.QUEUE: queue, measures.PRIORITY: priority}
        self.record(measures.QUEUE_WAIT, span.total_seconds(), attributes)

    def detected(self, since_commit: timedelta) -> None:
        """A commit arrived."""
        self.record(measures.COMMIT_DETECTED, _forward(since_commit), {})

    def live(self, since_commit: timedelta) -> None:
        """All of a target is healthy with a commit."""
        self.record(measures.COMMIT_LIVE, _forward(since_commit), {})

    def drift_ended(self, span: timedelta) -> None:
        """An object is as it should be again."""
        self.record(measures.DRIFT_DURATION, _forward(span), {})

    def followed(self, behind: timedelta) -> None:
        """What a watch saw is known."""
        self.record(measures.WATCH_LAG, _forward(behind), {})

    def called(self, seam: str, plugin: str, subject: str, seconds: float, outcome: str) -> None:
        """A call of a plugin has ended; a `CallTrace` of the border to plugins."""
        if plugin in _STREAMS and outcome in ("ok", "cancelled"):
            return
        outcome = _bounded(outcome)
        attributes = {measures.SEAM: seam, names.PLUGIN: plugin, measures.OUTCOME: outcome}
        self.record(measures.PLUGIN_CALL, seconds, attributes)
        if seam == "source":
            self.stage(names.FETCH, seconds, is_failed=outcome != "ok")

    def stage(self, stage: str, seconds: float, *, is_failed: bool) -> None:
        """A stage of delivery is over."""
        outcome = "failed" if is_failed else "ok"
        attributes = {measures.STAGE: stage, measures.OUTCOME: outcome}
        self.record(measures.STAGE_DURATION, seconds, attributes)

    def committed(self, seconds: float, outcome: str) -> None:
        """A transaction of the store is over."""
        self.record(measures.STORE_COMMIT, seconds, {measures.OUTCOME: outcome})

    def lagged(self, seconds: float) -> None:
        """The event loop answered so late."""
        self.record(measures.LOOP_LAG, seconds, {})

    def stalled(self) -> None:
        """The event loop stood still."""
        self.record(measures.LOOP_STALLS, 1, {})


SILENT = Measuring()


def _forward(span: timedelta) -> float:
    """Clocks of two machines differ: what arrived before it was sent arrived at once."""
    return max(0.0, span.total_seconds())


def _bounded(outcome: str) -> str:
    """How a call ended, in one of few words: a stranger's exception may be called anything."""
    return outcome if outcome in _OUTCOMES else "raised"
