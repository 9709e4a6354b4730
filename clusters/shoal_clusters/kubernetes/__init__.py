"""The Kubernetes target: everything that plans for, writes to and watches a Kubernetes API server.

Pure modules decide (`preparing`, `ignoring`, `staging`, `projecting`, `comparing`, `adding`,
`planning`, `health`, `answers`), async ones carry out (`discovering`, `watching`, `observing`,
`applying`, `pruning`, `executing`), and `session` composes them. Reading order: session, planning,
executing, applying, observing.
"""

from __future__ import annotations

from collections.abc import Sequence

from shoal.hooks import hookimpl
from shoal.hooks.targets import TargetType
from shoal_clusters.kubernetes.session import KubernetesTarget


@hookimpl
def shoal_targets() -> Sequence[TargetType]:
    """The target types that come with Shoal."""
    return [KubernetesTarget()]
