"""Asks the gates of an application whether a plan may be carried out, before anything is written.

Whole plans are asked about, without what only undoes drift: what that restores was let through
when it was first applied. A gate that cannot be asked refuses. The hold that comes of it ends by
itself when the gates say yes, or when the plan is another one; the target asks again by its queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shoal.engine import answers
from shoal.engine.differences import Differences
from shoal.engine.guarding import Guard
from shoal.engine.state import EngineState
from shoal.engine.target_state import TargetState
from shoal.errors import ShoalError
from shoal.hooks.gates import Gate, Proposal
from shoal.hooks.host import Host
from shoal.model.choice import Choice
from shoal.model.documents import Application
from shoal.model.facts import DocumentFacts
from shoal.model.plans import Desired, Plan
from shoal.planning.holding import Doubt, Refusal, changes_from_git, gate_hold

ASK_SECONDS = 10.0
ASK_AGAIN = timedelta(minutes=1)
"""A gate may speak of the time of day, or of something that nobody announces."""


@dataclass(frozen=True, slots=True)
class Gating:
    """Asks gates. `gates` and `hosts` are by the name that documents call them by."""

    state: EngineState
    gates: Mapping[str, Gate[Any]]
    hosts: Mapping[str, Host]
    guard: Guard

    async def doubt(self, target: TargetState, desired: Desired, whole: Plan) -> Doubt | None:
        """What the gates hold of this plan, if they do not let it pass."""
        document, plan = self._document(target), changes_from_git(whole)
        if document is None or not plan.changes:
            return None
        proposal = self._proposal(document, target, desired, plan)
        refusals = [
            Refusal(index, choice, why)
            for index, choice in enumerate(document.spec.gates)
            if (why := await self._ask(choice, proposal)) is not None
        ]
        if not refusals:
            return None
        return Doubt(gate_hold(plan, refusals, self.state.now()), plan)

    def _document(self, target: TargetState) -> Application | None:
        catalog = self.state.catalog
        document = catalog.applications.get(target.key.application) if catalog else None
        return document if document is not None and document.spec.gates else None

    def _proposal(
        self, document: Application, target: TargetState, desired: Desired, plan: Plan
    ) -> Proposal:
        cluster = self.state.clusters.get(target.key.cluster)
        differences = Differences(target.applied, desired)
        return Proposal(
            plan=plan,
            revision=desired.grant.revision,
            cluster=cluster.document.facts if cluster else DocumentFacts(target.key.cluster),
            now=self.state.now(),
            labels=document.metadata.labels,
            patch_of=differences.of,
        )

    async def _ask(self, choice: Choice, proposal: Proposal) -> str | None:
        subject = str(proposal.plan.target)
        try:
            gate, host = self.gates[choice.name], self.hosts[choice.name]
            return await self.guard.ask(
                "gate",
                choice.name,
                subject,
                lambda: gate.evaluate(choice.spec, proposal, host),
                seconds=ASK_SECONDS,
                answer=answers.verdict,
            )
        except ShoalError as error:
            return f"it could not be asked, so nothing is written: {error}"
