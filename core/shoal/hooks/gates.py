"""Gates: what may stand between a plan and its cluster, asked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from shoal.hooks.host import Host
from shoal.model.choice import Spec
from shoal.model.facts import DocumentFacts
from shoal.model.identity import ObjectKey
from shoal.model.plans import Plan

G = TypeVar("G", bound=Spec, contravariant=True)
Operations = Sequence[Mapping[str, Any]]
"""A masked JSON Patch."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is about to be written to one cluster, and for whom.

    `revision` is the one that the target was granted, `labels` are those of the Application. `now`
    is handed in: a gate reads no clock. `patch_of` makes the masked difference that a change would
    make, some milliseconds for a large object, or gives None where it is not known: after a
    restart, the manifest that was applied last is not at hand.
    """

    plan: Plan
    revision: str
    cluster: DocumentFacts
    now: datetime
    labels: Mapping[str, str] = field(default_factory=dict)
    patch_of: Callable[[ObjectKey], Operations | None] = lambda key: None


class Gate(Protocol[G]):
    """One kind of gate; shared by all applications that name it."""

    @property
    def name(self) -> str:
        """The key in documents: `cel`."""
        ...

    @property
    def spec(self) -> type[Spec]:
        """The model of this plugin's part of a document."""
        ...

    async def evaluate(self, spec: G, proposal: Proposal, host: Host) -> str | None:
        """None lets the plan pass; a text, one clause without a full stop, says why it may not.

        Asked for each plan that changes something, on each cluster, and again about every minute
        while it refuses. It may be asked for many targets at once, it has 10 s, and it changes
        nothing. What it raises holds the plan as well.
        """
        ...
