"""The names of spans and attributes, each in one place.

Attributes that the OpenTelemetry semantic conventions know keep that name (`k8s.*`, `vcs.*`,
`deployment.*`, `error.*`); all others begin with `shoal.`. The strings stand here and not in an
import, because the conventions' package still moves its unstable names between releases.
"""

from __future__ import annotations

from collections.abc import Mapping
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
TRIGGER: Final = "shoal.trigger"
PLUGIN: Final = "shoal.plugin"
REMOVAL: Final = "shoal.removal"
TARGETS: Final = "shoal.targets"
OBJECTS: Final = "shoal.objects"
SINCE_COMMIT_SECONDS: Final = "shoal.since_commit_seconds"

CLUSTER: Final = "k8s.cluster.name"
REVISION: Final = "vcs.ref.head.revision"
ERROR_TYPE: Final = "error.type"

SPANS: Final[Mapping[str, str]] = {
    SHOAL_SYNC: "One decision: what each target of an application should hold. Ends when decided.",
    FETCH: "The source was fetched, when that brought the revision; child of shoal.sync.",
    RENDER: "All clusters were rendered and overridden, by the memo or anew; child of shoal.sync.",
    CLUSTER_SYNC: "One target gets it; child of shoal.sync. A repeat, or a removal, is a trace of "
    "its own.",
    PLAN: "What would change on the cluster; child of cluster.sync.",
    APPLY: "Writes, until the last answer; child of cluster.sync.",
    PRUNE: "Deletions, after all writes went well; child of cluster.sync.",
    CLUSTER_HEALTHY: "All of the target was seen healthy; child of shoal.sync.",
}
"""Every span of the core, and what it stands around."""

ATTRIBUTES: Final[Mapping[str, str]] = {
    APPLICATION: "`namespace/name` of the application.",
    SOURCE: "`namespace/name` of the source that was fetched.",
    CLUSTER: "The name of the cluster, on every span that is about one.",
    REVISION: "The revision of the source.",
    TRIGGER: "Why it was looked at: a person, a revision, drift, a re-check.",
    REMOVAL: "Why a target is to hold nothing any more; only where it is being removed.",
    TARGETS: "How many targets were granted something.",
    OBJECTS: "How many objects it is about.",
    SINCE_COMMIT_SECONDS: "From the commit until then.",
    ERROR_TYPE: "The kind of error, when it failed; its sentence is the status.",
}
"""What the core writes on them."""
