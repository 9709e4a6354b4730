"""The renders of one decision about an application: one for all clusters that are alike.

The first cluster's render shows which facts make a difference; every other cluster either has the
same facts and shares the outcome, or gets a render of its own. A failure is shared like an output:
a chart that fails whatever the cluster is rendered once, and not five hundred times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import anyio

from shoal.engine import answers
from shoal.engine.facts import FactsOfCluster, NotedFacts
from shoal.engine.guarding import Guard
from shoal.engine.remembering import ByFacts, Rendered
from shoal.engine.rendering import Rendering
from shoal.errors import InvalidManifest, ShoalError
from shoal.hooks.host import Host
from shoal.hooks.renderers import Renderer
from shoal.model.artifacts import Artifact
from shoal.model.choice import Spec
from shoal.model.facts import ASKED_FOR

# The memo gives a render a deadline once its turn has come; this bounds waiting for the turn too.
RENDER_SECONDS = 600.0
# Clusters with renders of their own go side by side; how many really run is up to `Rendering`.
_AT_ONCE = 8


class OwnRender(NamedTuple):
    """What one cluster renders with; `parameters_digest` tells equal parameters."""

    facts: FactsOfCluster
    parameters: Spec
    parameters_digest: str


class Outcome(NamedTuple):
    """An output, or why there is none; `facts` are those of the cluster that it came to."""

    result: Rendered | ShoalError
    facts: Mapping[str, str]


@dataclass(slots=True)
class SharedRenders:
    """Renders one application's folder for its clusters; `outcomes` are by cluster."""

    rendering: Rendering
    renderer: Renderer[Any]
    host: Host
    guard: Guard
    subject: str
    artifact: Artifact
    path: str
    outcomes: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    _shared: dict[str, ByFacts[Outcome]] = field(default_factory=dict[str, ByFacts[Outcome]])

    @property
    def asks_clusters(self) -> bool:
        """Whether some outcome depends on what only a cluster can tell."""
        return any(ASKED_FOR & shared.names for shared in self._shared.values())

    async def run(self, owns: Iterable[OwnRender]) -> None:
        """Find or make the outcome of each cluster."""
        waiting: list[OwnRender] = []
        for own in owns:
            shared = self._shared.setdefault(own.parameters_digest, ByFacts())
            if not shared:
                await self._render(own)
            elif found := await shared.of(own.facts.digest):
                self.outcomes[own.facts.document.name] = found[0]
            else:
                waiting.append(own)
        for start in range(0, len(waiting), _AT_ONCE):
            async with anyio.create_task_group() as tasks:
                for own in waiting[start : start + _AT_ONCE]:
                    tasks.start_soon(self._render, own)

    async def _render(self, own: OwnRender) -> None:
        noted = NotedFacts(own.facts)
        result: Rendered | ShoalError
        try:
            result = await self._rendered(own, noted)
            outcome = Outcome(result, result.facts)
        except ShoalError as error:
            outcome = Outcome(error, dict(noted.looks))
        self._shared[own.parameters_digest].put(outcome.facts, outcome)
        self.outcomes[own.facts.document.name] = outcome

    async def _rendered(self, own: OwnRender, noted: NotedFacts) -> Rendered:
        renderer, path = self.renderer, self.path
        try:
            return await self.guard.ask(
                "renderer",
                renderer.name,
                self.subject,
                lambda: self.rendering.render(
                    renderer, own.parameters, self.artifact, path, noted, self.host
                ),
                seconds=RENDER_SECONDS,
                answer=answers.ours,
            )
        except InvalidManifest as error:
            # A renderer sees its folder only; who reads the message sees the whole source.
            raise InvalidManifest(
                f"in folder {path}: {error.message}", next_step=error.next_step
            ) from error
