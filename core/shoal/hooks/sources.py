"""Source types: how a revision of manifests is fetched."""

from __future__ import annotations

from typing import Protocol, TypeVar

from shoal.hooks.host import Host
from shoal.model.artifacts import Artifact
from shoal.model.choice import Spec
from shoal.model.identity import Ref

S = TypeVar("S", bound=Spec, contravariant=True)


class SourceType(Protocol[S]):
    """One kind of source. Instances are shared by all sources of the kind."""

    @property
    def name(self) -> str:
        """The key in documents: `git`."""
        ...

    @property
    def spec(self) -> type[Spec]:
        """The model of this plugin's part of a document."""
        ...

    async def fetch(self, source: Ref, spec: S, previous: Artifact | None, host: Host) -> Artifact:
        """The current revision. Returns `previous` itself when nothing changed.

        Called for one source at a time, for many sources at once. Trees of earlier artifacts stay
        readable. Raises SourceUnavailable (try again), InvalidSource (branch or path gone) or
        AccessDenied; none of these is ever taken for an empty source.
        """
        ...
