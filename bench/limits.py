"""What each row must reach; a row that is not here is told, not judged."""

from __future__ import annotations

from collections.abc import Mapping

from bench.figures import Limit

# ConfigMap, Deployment, Service, ServiceAccount.
_KINDS = 4
# A new cluster is swept once: a page of each kind that it serves (ADR 0012).
_SERVED = 75
# One in five strangers deletes; what left a watch is looked for before it is called deleted.
_HEALED = 1.25

LIMITS: Mapping[str, Limit] = {
    "cold.writes_per_object": Limit(1.0, is_count=True, is_exact=True),
    "cold.other_requests_per_cluster": Limit(3 * _KINDS + 6 + _SERVED, is_count=True),
    "cold.wall_over_floor": Limit(1.3),
    "cold.cpu_over_floor": Limit(3.0),
    "cold.server_cpu_over_floor": Limit(1.2),
    "render.helm_speedup": Limit(10, is_least=True),
    "render.kustomize_speedup": Limit(4, is_least=True),
    "cold_helm.wall_over_floor": Limit(1.5),
    "cold_kustomize.wall_over_floor": Limit(1.5),
    "noop.requests_per_object": Limit(0, is_count=True),
    "noop.cpu_core_percent": Limit(0.5),
    "change_all.requests": Limit(1, is_count=True, is_exact=True),
    "change_all.wall_over_floor": Limit(1.5),
    "change_one.requests": Limit(1, is_count=True, is_exact=True),
    "change_one.renders": Limit(1, is_count=True, is_exact=True),
    "change_one.wall_over_floor": Limit(1.5),
    "unrelated.renders": Limit(0, is_count=True),
    "unrelated.requests": Limit(0, is_count=True),
    "drift.dispatch_ms_p99": Limit(20),
    "drift.healed_over_floor": Limit(1.5),
    "drift_burst.wall_over_floor": Limit(1.3),
    "drift.requests_per_object": Limit(_HEALED, is_count=True),
    "drift_burst.requests_per_object": Limit(_HEALED, is_count=True),
    "prune.requests_per_object": Limit(1, is_count=True, is_exact=True),
    "restart.writes": Limit(0, is_count=True),
    "restart.dry_runs": Limit(0, is_count=True),
    "restart.reads": Limit(0, is_count=True),
    # One page holds 500 objects; the workload has fewer of each kind on one cluster.
    "restart.requests_per_kind": Limit(1, is_count=True),
    "recover.requests_per_object": Limit(1.05, is_count=True),
    "recover.changed": Limit(0, is_count=True),
    "memory.bytes_per_object": Limit(1024),
    "memory.mib_per_idle_cluster": Limit(2),
    "memory.tree_mib": Limit(120),
    "loop.lag_ms_p99": Limit(20),
    "growth.writes_per_object": Limit(1.0, is_count=True, is_exact=True),
    "growth.cpu_per_object": Limit(1.10),
    "start.version_over_python": Limit(8),
}
