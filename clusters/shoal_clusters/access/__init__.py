"""Ways to reach a cluster: a Cluster document's `access` becomes an Endpoint.

Called once per connection by the core; nothing here opens a connection to a cluster. Each way is
one module: `kubeconfig` reads a file, `inCluster` what a kubelet gives to the controller's Pod.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shoal.hooks import hookimpl
from shoal.hooks.access import AccessType
from shoal_clusters.access.in_cluster import InCluster
from shoal_clusters.access.kubeconfig import Kubeconfig


@hookimpl
def shoal_access() -> Sequence[AccessType[Any]]:
    """The access types that come with Shoal."""
    return [Kubeconfig(), InCluster()]
