"""The names of spans and attributes, each in one place.

Attributes that the OpenTelemetry semantic conventions know keep that name (`k8s.*`, `vcs.*`,
`deployment.*`, `error.*`); all others begin with `shoal.`. The strings stand here and not in an
import, because the conventions' package still moves its unstable names between releases.
"""

from __future__ import annotations

from typing import Final

SHOAL_SYNC: Final = "shoal.sync"
"""Root span of one decision: ends when desired state is decided."""
CLUSTER_SYNC: Final = "cluster.sync"
"""One target gets it: child of `shoal.sync` through the grant's traceparent."""
CLUSTER_HEALTHY: Final = "cluster.healthy"
"""Health was reached: a short span with the time since the commit."""
FETCH: Final = "fetch"
RENDER: Final = "render"
PLAN: Final = "plan"
APPLY: Final = "apply"
PRUNE: Final = "prune"

APPLICATION: Final = "shoal.application"
SOURCE: Final = "shoal.source"
TARGET: Final = "shoal.target"
FLEET: Final = "shoal.fleet"
TRIGGER: Final = "shoal.trigger"
PLUGIN: Final = "shoal.plugin"
HOLD: Final = "shoal.hold"
TARGETS: Final = "shoal.targets"
OBJECTS: Final = "shoal.objects"
SINCE_COMMIT_SECONDS: Final = "shoal.since_commit_seconds"

CLUSTER: Final = "k8s.cluster.name"
REVISION: Final = "vcs.ref.head.revision"
ERROR_TYPE: Final = "error.type"
