"""Which part of a plan is carried out now, and which waits for health.

Deleting the old Deployment before the new one runs would be an outage, so by default workloads that
left Git go last, once everything that stays is healthy.
"""

from __future__ import annotations

from dataclasses import replace

from shoal.model.documents import WORKLOAD_KINDS
from shoal.model.plans import Action, Change, Plan
from shoal.model.policies import PrunePolicy


def split(plan: Plan, policy: PrunePolicy, *, healthy: bool) -> tuple[Plan, Plan]:
    """The part to carry out now, and the part to plan again once the target is healthy.

    With Never, deletions are in neither part. What is refused stays with the first part. Order is
    kept, and no change is in both.
    """
    if policy is PrunePolicy.NEVER:
        return plan.where(lambda change: change.action is not Action.DELETE), _nothing(plan)
    if policy is PrunePolicy.AFTER_APPLY or healthy:
        return plan, _nothing(plan)
    now = plan.where(lambda change: not _is_workload_deletion(change))
    deferred = plan.where(_is_workload_deletion)
    return now, replace(deferred, refused={})


def _is_workload_deletion(change: Change) -> bool:
    return change.action is Action.DELETE and change.key.group_kind in WORKLOAD_KINDS


def _nothing(plan: Plan) -> Plan:
    return replace(plan, changes=(), refused={})
