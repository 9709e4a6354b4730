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
CLUSTER_PROBE: Final = "cluster.probe"
DETECT: Final = "detect"
FETCH: Final = "fetch"
PLACE: Final = "place"
GRANT: Final = "grant"
RENDER: Final = "render"
OVERRIDE: Final = "override"
PLAN: Final = "plan"
APPLY: Final = "apply"
PRUNE: Final = "prune"
RECORD: Final = "record"

APPLICATION: Final = "shoal.application"
SOURCE: Final = "shoal.source"
TARGET: Final = "shoal.target"
FLEET: Final = "shoal.fleet"
TRIGGER: Final = "shoal.trigger"
OUTCOME: Final = "shoal.outcome"
PLAN_HASH: Final = "shoal.plan.hash"
DESIRED_DIGEST: Final = "shoal.desired.digest"
MEMO_HIT: Final = "shoal.render.memo_hit"
PLUGIN: Final = "shoal.plugin"
SEAM: Final = "shoal.seam"
HOLD: Final = "shoal.hold"
TARGETS: Final = "shoal.targets"
OBJECTS: Final = "shoal.objects"
CREATED: Final = "shoal.objects.created"
UPDATED: Final = "shoal.objects.updated"
CORRECTED: Final = "shoal.objects.corrected"
DELETED: Final = "shoal.objects.deleted"
FAILED: Final = "shoal.objects.failed"
SINCE_COMMIT_SECONDS: Final = "shoal.since_commit_seconds"

CLUSTER: Final = "k8s.cluster.name"
CLUSTER_UID: Final = "k8s.cluster.uid"
NAMESPACE: Final = "k8s.namespace.name"
REVISION: Final = "vcs.ref.head.revision"
REF_NAME: Final = "vcs.ref.head.name"
REPOSITORY_URL: Final = "vcs.repository.url.full"
DEPLOYMENT_ID: Final = "deployment.id"
DEPLOYMENT_NAME: Final = "deployment.name"
DEPLOYMENT_STATUS: Final = "deployment.status"
ERROR_TYPE: Final = "error.type"
