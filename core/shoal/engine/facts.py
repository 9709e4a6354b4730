"""The facts of one cluster as a render sees them, each look noted for the memo.

What stands in the Cluster document is at hand; what only the cluster can tell (its version, the
APIs that it serves) is asked of its session, and what it said last counts while it is away. Made
anew for each decision about an application, so that all of it sees one state of the fleet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from shoal.errors import ShoalError
from shoal.model.digests import digest_value
from shoal.model.facts import ASKED_FOR, DocumentFacts


class Ask(Protocol):
    """Tells what only the cluster knows; ClusterNotConnected as long as it was never reached."""

    async def __call__(self, name: str, /) -> Any:
        """A fact of `ASKED_FOR`."""
        ...


class FactsOfCluster:
    """What can be known of one cluster; a fact is asked for once and then stays the same."""

    def __init__(self, document: DocumentFacts, ask: Ask) -> None:
        self.document = document
        self._ask = ask
        self._known: dict[str, _Known] = {}

    async def look(self, name: str) -> Any:
        """The value of a fact; the error, MissingFact for instance, when there is none."""
        known = await self._found(name)
        if known.error is not None:
            raise known.error
        return known.value

    async def digest(self, name: str) -> str:
        """The digest of its value, or of there being none; never raises for a missing fact."""
        return (await self._found(name)).digest

    async def _found(self, name: str) -> _Known:
        if name not in self._known:
            self._known[name] = await self._looked(name)
        return self._known[name]

    async def _looked(self, name: str) -> _Known:
        try:
            value = await self._ask(name) if name in ASKED_FOR else self.document.look(name)
        except ShoalError as error:  # whatever keeps this cluster from telling is its own matter
            return _Known(None, error.reason, error)
        return _Known(value, digest_value(value))


class _Known(NamedTuple):
    """One fact, or why there is none."""

    value: Any
    digest: str
    error: ShoalError | None = None


class NotedFacts:
    """The facts for one render. Implements `shoal.hooks.renderers.ClusterFacts`."""

    def __init__(self, facts: FactsOfCluster) -> None:
        self.of = facts
        self._looks: dict[str, str] = {}

    @property
    def looks(self) -> Mapping[str, str]:
        """Name of a fact that was looked at → digest of its value."""
        return self._looks

    def remember(self, looks: Mapping[str, str]) -> None:
        """Note what an earlier render looked at whose failure is told again."""
        self._looks.update(looks)

    async def look(self, name: str) -> Any:
        """The value of a fact, noted."""
        self._looks[name] = await self.of.digest(name)  # also of a fact that is not there
        return await self.of.look(name)
