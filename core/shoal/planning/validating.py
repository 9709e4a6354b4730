"""Whether a plan is tried out by a dry run before it is written, and what its refusals mean.

A bad update of many objects should fail before half of it is written. Trying it out on one cluster
of each Kubernetes version tells nearly as much as on all of them, at a thousandth of the cost. What
is created for the first time has no predecessor that could be harmed, and a single object is
written whole or not at all, so neither is tried out unless somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from shoal.errors import OwnershipConflict, Permanent, ShoalError
from shoal.model.identity import ObjectKey
from shoal.model.plans import WRITES, Action, Plan
from shoal.model.policies import FailurePolicy, SyncPolicy, ValidationPolicy

FROM_GIT = WRITES - {Action.CORRECT}


class Trial(StrEnum):
    """Where a plan is tried out before it is written."""

    NOWHERE = "nowhere"
    HERE = "here"
    ONCE = "once"


def trial_of(
    plan: Plan, policy: SyncPolicy, *, is_first: bool, found: Collection[ObjectKey] = ()
) -> Trial:
    """`is_first`: the target was never synced, or has nothing that is known for sure.

    `found` are objects of which nothing but the marks is known, after the state was lost: like what
    is created, they are written once.
    """
    count = len(to_try(plan))
    is_new = is_first and all(
        change.action is Action.CREATE or change.key in found for change in plan.changes
    )
    if policy.failure is FailurePolicy.ALL_OR_NOTHING:
        return Trial.HERE if count + len(plan.refused) > 1 else Trial.NOWHERE
    if policy.validation is ValidationPolicy.NEVER or is_new or count < 2:
        return Trial.NOWHERE
    return Trial.HERE if policy.validation is ValidationPolicy.ALWAYS else Trial.ONCE


def to_try(plan: Plan) -> frozenset[ObjectKey]:
    """The objects that Git changes."""
    return frozenset(change.key for change in plan.changes if change.action in FROM_GIT)


def concerns_everyone(error: ShoalError) -> bool:
    """Whether a refusal lies in what is asked for.

    Quota, a policy, a missing namespace or a stranger's object lie in the one cluster.
    """
    return isinstance(error, Permanent) and not isinstance(error, OwnershipConflict)


def stops(refused: Mapping[ObjectKey, ShoalError], policy: SyncPolicy) -> bool:
    """Whether these refusals, met on the very cluster, forbid to write anything."""
    if policy.failure is FailurePolicy.ALL_OR_NOTHING:
        return bool(refused)
    return any(concerns_everyone(error) for error in refused.values())
