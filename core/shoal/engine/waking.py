"""A person asks, and does not wait: the target is looked at now, also on a cluster that is away."""

from __future__ import annotations

from dataclasses import replace

from shoal.engine.queueing import Request
from shoal.engine.state import EngineState
from shoal.model.identity import TargetKey


def wake(state: EngineState, key: TargetKey, request: Request) -> None:
    """Look at this target now; the cluster is tried at once, whatever its back-off says."""
    state.wake(key, replace(request, since=None))
    cluster = state.clusters.get(key.cluster)
    if cluster is not None and not cluster.is_connected:
        state.cluster_queue.add(key.cluster, request)
