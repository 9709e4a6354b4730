"""Asks the gates of an application whether a plan may be carried out, before anything is written.

Whole plans are asked about. A plan that only undoes drift is not: what it restores was let through
when it was first applied. A gate that cannot be asked refuses. The hold that comes of it ends by
itself when the gates say yes, or when the plan is another one; the target asks again by its queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shoal.engine.differences import Differences
from shoal.engine.guarding import Guard
from shoal.engine.state import EngineState, TargetState
from shoal.errors import ShoalError
from shoal.hooks.gates import Gate, Proposal
from shoal.hooks.host import Host
from shoal.model.choice import Choice
from shoal.model.documents import Application
from shoal.model.facts import DocumentFacts
from shoal.model.holds import Hold, HoldCause
from shoal.model.plans import Action, Desired, Plan
from shoal.planning.holding import Refusal, gate_hold, is_approved

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

    async def hold(self, target: TargetState, desired: Desired, plan: Plan) -> Hold | None:
        """What the gates hold this plan by; None when they let it pass, or a person did."""
        document = self._document(target)
        if document is None or not any(each.action is not Action.CORRECT for each in plan.changes):
            return None
        proposal = self._proposal(document, target, desired, plan)
        refusals = [
            Refusal(index, choice, why)
            for index, choice in enumerate(document.spec.gates)
            if (why := await self._ask(choice, proposal)) is not None
        ]
        if not refusals:
            return None
        hold = gate_hold(plan, refusals, self.state.now())
        approvals = self.state.approvals.values()
        return None if is_approved(hold, approvals, self.state.now()) else hold

    def holds(self, target: TargetState) -> bool:
        """Whether a gate holds the target now: then only drift is undone, object by object."""
        return target.hold is not None and target.hold.cause is HoldCause.GATE

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
            with self.guard.call("gate", choice.name, subject, seconds=ASK_SECONDS):
                gate, host = self.gates[choice.name], self.hosts[choice.name]
                return await gate.evaluate(choice.spec, proposal, host)
        except ShoalError as error:
            return f"it could not be asked, so nothing is written: {error}"
