"""Facts of a cluster for tests of renderers, without a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shoal.engine.facts import FactsOfCluster, NotedFacts
from shoal.errors import ClusterNotConnected
from shoal.model.facts import DocumentFacts


def make_facts(
    name: str = "test",
    *,
    labels: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
    told: Mapping[str, Any] | None = None,
    application: str = "web",
) -> NotedFacts:
    """Facts as a render sees them; `told` holds what the cluster itself would say.

    The `looks` of what is returned show what a renderer looked at.
    """

    async def ask(fact: str) -> Any:
        if fact not in (told or {}):
            raise ClusterNotConnected(f"cluster {name} was not reached yet")
        return (told or {})[fact]

    document = DocumentFacts(name, labels or {}, values or {}, application)
    return NotedFacts(FactsOfCluster(document, ask))
