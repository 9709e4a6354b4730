"""What the clusters of one application should hold, and for which of them that cannot be said.

Made by `desiring`, read by the loop of applications, which grants what is known and then raises the
one error that speaks for all clusters that were left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from shoal.errors import Retryable, ShoalError
from shoal.model.phrases import some_of
from shoal.model.plans import Content

_SHOWN_CLUSTERS = 3
_SHOWN_MESSAGES = 3


class Failure(NamedTuple):
    """Why a cluster gets nothing new; `is_own`: something about this cluster has to do with it."""

    error: ShoalError
    is_own: bool


@dataclass(slots=True)
class Wishes:
    """Cluster → what it should hold, or why that cannot be said."""

    contents: dict[str, Content] = field(default_factory=dict[str, Content])
    failures: dict[str, Failure] = field(default_factory=dict[str, Failure])

    def failed(self, cluster: str, error: ShoalError, *, is_own: bool = True) -> None:
        """Note why a cluster is left out."""
        self.failures[cluster] = Failure(error, is_own)

    def error(self) -> ShoalError | None:
        """One error for all clusters that were left out, None when there is none.

        It is retryable when trying again may help one of them, and names the clusters unless what
        is wrong is the same wherever the application goes.
        """
        if not self.failures:
            return None
        errors = [failure.error for failure in self.failures.values()]
        first = min(errors, key=lambda error: not isinstance(error, Retryable))
        is_same = len({error.message for error in errors}) == 1
        if is_same and not any(failure.is_own for failure in self.failures.values()):
            return first
        return type(first)(self._told(), next_step=first.next_step)

    def _told(self) -> str:
        by_message: dict[str, list[str]] = {}
        for cluster, failure in sorted(self.failures.items()):
            by_message.setdefault(failure.error.message, []).append(cluster)
        shown = [_said_of(clusters, message) for message, clusters in by_message.items()]
        more = len(shown) - _SHOWN_MESSAGES
        rest = [f"and {more} more kinds of failure"] if more > 0 else []
        return "; ".join(shown[:_SHOWN_MESSAGES] + rest)


def _said_of(clusters: list[str], message: str) -> str:
    who = _named(clusters)
    return message if message.startswith(f"{who} ") else f"{who}: {message}"


def _named(clusters: list[str]) -> str:
    return f"cluster{'s' * (len(clusters) > 1)} {some_of(clusters, _SHOWN_CLUSTERS)}"
