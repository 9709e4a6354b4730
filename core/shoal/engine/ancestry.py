"""Commits that were never current: asked of the source plugins that keep the past of what they got.

Asked when a person looks for a revision that no source was seen at; a few sources at a time, so
that a fleet of hundreds does not start hundreds of programs at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anyio import CapacityLimiter

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.hooks.host import Host
from shoal.hooks.sources import RememberingSourceType, SourceType
from shoal.model.artifacts import Ancestor
from shoal.model.documents import SourceSpec
from shoal.model.identity import Ref

ASK_SECONDS = 30.0
"""A source plugin ends by itself before."""
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Ancestry:
    """Asks the plugins of sources; `types` and `hosts` are by their names."""

    types: Mapping[str, SourceType[Any]]
    hosts: Mapping[str, Host]
    guard: Guard
    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))

    async def find(
        self, source: Ref, spec: SourceSpec, name: str, revisions: Sequence[str]
    ) -> Ancestor | None:
        """What a person called `name`, when one of these revisions has it in its past."""
        plugin = spec.choice.name
        source_type: Any = self.types.get(plugin)
        if not revisions or not isinstance(source_type, RememberingSourceType):
            return None
        async with self.limiter:
            return await self.guard.ask(
                "source",
                plugin,
                f"the past of {source}",  # one that hangs must not be in the way of a fetch
                lambda: source_type.ancestor(spec.choice.spec, name, revisions, self.hosts[plugin]),
                seconds=ASK_SECONDS,
                answer=answers.ancestor,
            )
