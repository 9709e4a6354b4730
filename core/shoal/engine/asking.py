"""Asks a cluster for the facts that no document holds: its version, and the APIs that it serves.

A chart whose templates mention capabilities renders by them. What a cluster said last counts while
it is away; a cluster that was never reached has no such facts, and what needs them waits for it.
Nothing is asked unless a render looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.engine.identifying import cluster_subject
from shoal.engine.state import ClusterState, EngineState
from shoal.errors import ClusterNotConnected
from shoal.model.facts import API_VERSIONS, KUBERNETES_VERSION

ASK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Asking:
    """Knows what clusters told of themselves."""

    state: EngineState
    guard: Guard

    async def ask(self, cluster: str, name: str) -> Any:
        """A fact of `ASKED_FOR`; ClusterNotConnected as long as the cluster was never reached."""
        known = self.state.clusters.get(cluster)
        if name == KUBERNETES_VERSION and known is not None and known.facts is not None:
            return known.facts.version
        if name == API_VERSIONS and known is not None:
            await self._ask_for_apis(known)
            if known.api_versions is not None:
                return known.api_versions
        raise ClusterNotConnected(
            f"cluster {cluster} was not reached yet, and the templates depend on its {name}",
            next_step="rendered by itself once the cluster answers",
        )

    async def _ask_for_apis(self, known: ClusterState) -> None:
        if known.session is None:
            return
        subject = cluster_subject(known.name)
        known.api_versions = await self.guard.ask(
            "target",
            "api versions",
            subject,
            known.session.api_versions,
            seconds=ASK_SECONDS,
            answer=answers.texts,
        )
