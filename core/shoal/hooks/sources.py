"""Source types: how a revision of manifests is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, runtime_checkable

from shoal.hooks.host import Host
from shoal.model.artifacts import Ancestor, Artifact
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

        Called at the source's interval, and when a webhook or a person asks; for one source at a
        time, for many sources at once. It has 11 minutes. Trees of earlier artifacts stay readable.
        Raises SourceUnavailable (try again), InvalidSource (branch or path gone), AccessDenied or
        UntrustedRevision, and whatever `host` raises; none of these is ever taken for an empty
        source, and what was fetched before is kept.
        """
        ...


T = TypeVar("T", bound=Spec)


@runtime_checkable
class RevisedSourceType(Protocol):
    """A source type whose other revisions can be named; a source type may be this too."""

    def at(self, spec: T, revision: str) -> Sequence[T]:
        """What to fetch for this revision of a source, in the order in which it may be meant.

        Called when a person names a revision (`shoal diff --rev`); it asks nobody. What it gives is
        the same source but for the revision; one that is not there is InvalidSource when it is
        fetched, and then the next is tried. Raises InvalidSource for what can be no revision.
        """
        ...


@runtime_checkable
class RememberingSourceType(Protocol):
    """A source type that keeps the past of what it fetched; a source type may be this too."""

    async def ancestor(
        self, spec: Spec, name: str, revisions: Sequence[str], host: Host
    ) -> Ancestor | None:
        """The revision that a person calls `name`, when one of `revisions` has it in its past.

        Called when a person looks for a revision that never was current (`shoal where`), for it was
        published together with a later one; `revisions` were given out before. It has 30 seconds
        and asks nobody: only what was fetched is looked at. None when nothing of that name is in
        their past. Raises InvalidSource when it may be several, or when the past was not fetched.
        """
        ...
