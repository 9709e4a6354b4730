"""The renderer `kustomize`: what `kustomize build` makes of the folder, without a network.

Bases, components and files anywhere in the source; remote bases, remote files, Helm inflation and
plugins that run programs are refused by name. The worker asks for exactly the files that Kustomize
reads, so that a change of any other file renders nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder
from shoal.model.choice import Spec
from shoal.model.manifests import Manifest
from shoal_plugins.rendering.worker import Job, Workers


class KustomizeSpec(Spec):
    """`kustomize` has no parameters: the kustomization says it all, and overrides what differs."""


class KustomizeRenderer:
    """Builds a kustomization; chosen where a folder has one."""

    name = "kustomize"
    spec = KustomizeSpec
    markers = (
        "kustomization.yaml",
        "kustomization.yml",
        "Kustomization",
    )

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    @property
    def version(self) -> str:
        """That of the worker, which holds the library."""
        return self._workers.binary.version

    async def render(
        self, parameters: KustomizeSpec, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        """All objects, in the order of `kustomize build`."""
        return await self._workers.render(Job("kustomize", {}), folder, facts, host)
