"""A dry run of what a target should be: the server says what it would do, and stores nothing.

Asked by whoever must know before anything is written: for a trial, for who decides about a hold,
and for a target that is only observed.
"""

from __future__ import annotations

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.hooks.targets import Session
from shoal.model.identity import ObjectKey
from shoal.model.plans import Desired, Plan, Proof

TRY_SECONDS = 300.0
"""Each object is one request."""


async def try_out(
    guard: Guard,
    session: Session,
    desired: Desired,
    *,
    only: frozenset[ObjectKey] | None = None,
    seconds: float = TRY_SECONDS,
) -> Plan:
    """The plan as the server answers it, of `only` these objects when they are given."""
    return await guard.ask(
        "target",
        "plan",
        str(desired.target),
        lambda: session.plan(desired, only=only, proof=Proof.DRY_RUN),
        seconds=seconds,
        answer=answers.plan_for(desired),
    )
