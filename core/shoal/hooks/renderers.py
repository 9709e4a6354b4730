"""Renderers: how a folder of a source becomes Kubernetes objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from shoal.hooks.host import Host
from shoal.model.artifacts import Entry
from shoal.model.choice import Spec
from shoal.model.manifests import Manifest

P = TypeVar("P", bound=Spec, contravariant=True)


class Folder(Protocol):
    """The application's folder, seen through the core's guard.

    Paths are relative to the folder. Links are followed inside the source and refused outside
    (UnsafePath); sizes are bounded (BudgetExceeded). Each look is noted for the memo, also the one
    that finds nothing, so a renderer must read everything through here.
    """

    async def read(self, path: str) -> bytes:
        """The content of a file; FileNotFoundError when there is none."""
        ...

    async def list(self, path: str) -> Sequence[Entry]:
        """The entries of a folder, links already resolved; FileNotFoundError when there is none."""
        ...


class Renderer(Protocol[P]):
    """One way of rendering. The output depends on the parameters and the folder alone."""

    @property
    def name(self) -> str:
        """The key in documents: `plain`."""
        ...

    @property
    def version(self) -> str:
        """Part of the memo's key: changes whenever the same input may render differently."""
        ...

    @property
    def spec(self) -> type[Spec]:
        """The model of this plugin's part of a document; all its fields have defaults."""
        ...

    @property
    def markers(self) -> tuple[str, ...]:
        """Names of files whose presence chooses this renderer; empty: chosen when no other is."""
        ...

    async def render(self, parameters: P, folder: Folder, host: Host) -> Sequence[Manifest]:
        """All objects, in any order. Raises InvalidManifest or BudgetExceeded, naming the file."""
        ...
