"""Which clusters an application belongs on: those whose labels its selector matches.

Labels are written by operators in Cluster documents; nothing that a cluster says of itself counts,
so no member can place itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from shoal.model.documents import Application, Cluster


def is_placed(application: Application, cluster: Cluster) -> bool:
    """Whether the application belongs on this cluster."""
    return application.spec.placement.cluster_selector.matches(cluster.metadata.labels)


def place(application: Application, clusters: Mapping[str, Cluster]) -> tuple[str, ...]:
    """The names of the selected clusters, sorted. An empty selector selects every cluster."""
    return tuple(sorted(name for name, each in clusters.items() if is_placed(application, each)))
