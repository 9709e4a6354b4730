"""Where an application belongs: where its document says, and where its leaving is held."""

from __future__ import annotations

from collections.abc import Mapping

from shoal.engine.state import EngineState
from shoal.model.documents import Application, Cluster
from shoal.model.identity import TargetKey
from shoal.planning.placing import place
from shoal.planning.shrinking import Sort


def withheld_targets(state: EngineState) -> frozenset[TargetKey]:
    """Targets that count as selected, although the documents do not say so any more."""
    names = (each.name for each in state.fleet.withheld if each.sort is Sort.TARGET)
    return frozenset(map(TargetKey.parse, names))


def belongs_on(
    state: EngineState, document: Application, clusters: Mapping[str, Cluster]
) -> tuple[str, ...]:
    """The names of the clusters that an application is to be on, sorted."""
    held = {key.cluster for key in withheld_targets(state) if key.application == document.ref}
    return tuple(sorted({*place(document, clusters), *(held & clusters.keys())}))
