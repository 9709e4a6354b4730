"""Renderers: how a folder of a source becomes Kubernetes objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from pydantic import Field

from shoal.hooks.host import Host
from shoal.model.artifacts import Entry
from shoal.model.choice import Spec
from shoal.model.manifests import Manifest

P = TypeVar("P", bound=Spec, contravariant=True)
ANY_FOLDER = "*"
"""The marker of a renderer that is chosen where no other's marker is; one renderer has it."""


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

    async def find(self, path: str) -> Entry | None:
        """What a path leads to, links followed; its `name` is the path in the source.

        None when nothing is there. Costs no content: only that it is there counts as an input.
        """
        ...


class ClusterFacts(Protocol):
    """What the cluster is like that the output is for; each look is an input of the render."""

    async def look(self, name: str) -> Any:
        """A fact by its name: `labels.region`, `values.zone`, see `shoal.model.facts`.

        Raises MissingFact when the cluster's document does not hold it, and ClusterNotConnected for
        what only the cluster can tell, as long as it was never reached. Looking at fewer facts lets
        more clusters share one output.
        """
        ...


class ValuedSpec(Spec):
    """Base of the parameters of renderers that take values: those of overrides are merged in."""

    values: dict[str, Any] = Field(
        default_factory=dict,
        description="Values for the templates; `${cluster.…}` stands for a fact of the cluster.",
    )


class Renderer(Protocol[P]):
    """One way of rendering. The output depends on the parameters, folder and facts alone."""

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
        """Names of files whose presence in a folder chooses this renderer.

        Empty: it is used only where a document names it. `ANY_FOLDER`: chosen when no other is.
        """
        ...

    async def render(
        self, parameters: P, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        """All objects, in any order; each says which file it comes from, and its line if known.

        Called when something that the last render looked at has changed, for many folders at once;
        it has 60 s. The same input gives the same output, on every machine. Raises InvalidManifest
        or BudgetExceeded, naming the file, and whatever `folder` and `facts` raise; these are
        remembered like an output, and not tried again for the same input.
        """
        ...
