"""Access types: how a Cluster document leads to an API server."""

from __future__ import annotations

from typing import Protocol, TypeVar

from shoal.hooks.host import Host
from shoal.model.choice import Spec
from shoal.model.endpoints import Endpoint

A = TypeVar("A", bound=Spec, contravariant=True)


class AccessType(Protocol[A]):
    """One way to reach a cluster; it says where and how, and opens no connection itself."""

    @property
    def name(self) -> str:
        """The key in documents: `kubeconfig`."""
        ...

    @property
    def spec(self) -> type[Spec]:
        """The model of this plugin's part of a document."""
        ...

    async def connect(self, spec: A, host: Host) -> Endpoint:
        """Where the API server is and how to get a credential; reads files, calls nobody.

        Called before a connection to the cluster is opened, and again after it was lost or its
        document changed. It has 30 s.
        Raises InvalidDocument when the spec names something that is not there, AccessDenied when
        it needs what is not allowed (an exec plugin, skipping TLS verification).
        """
        ...
