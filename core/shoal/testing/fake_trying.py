"""What a fake cluster would say of a write, and plans that are tried out by asking it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shoal.errors import MissingNamespace, OwnershipConflict, ShoalError
from shoal.model.differences import told_difference
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.masking import masked_patch
from shoal.model.plans import WRITES, Action, Change, Desired, Plan, Proof
from shoal.model.policies import ExistingPolicy
from shoal.model.sightings import DriftKind
from shoal.testing.fake_cluster import FakeCluster, FakeObject, merged
from shoal.testing.fake_memory import Body, FakeMemory


def refusal(
    cluster: FakeCluster, memory: FakeMemory, key: ObjectKey, body: Body, desired: Desired
) -> ShoalError | str | None:
    """Why an object cannot be written; a text says what is waited for."""
    if key in cluster.refusals:
        return cluster.refusals[key]
    if not cluster.has_namespace(key.namespace):
        return MissingNamespace(f"namespace {key.namespace} does not exist")
    live = cluster.objects.get(key)
    if live is None or live.owner == desired.target:
        return None
    is_wanted = memory.is_wanted_by(live.owner, key) if live.owner else True
    if is_wanted is None:
        return f"waits until it is known whether {named(live)} still wants it"
    if not is_wanted:
        return None
    if live.owner is None and _may_adopt(live, body, desired.policy.when_already_exists):
        return None
    return OwnershipConflict(f"{key} is there already and belongs to {named(live)}")


async def proven(
    cluster: FakeCluster,
    memory: FakeMemory,
    plan: Plan,
    wanted: Mapping[ObjectKey, Body],
    desired: Desired,
) -> Plan:
    """The plan as the cluster sees it; nothing is changed."""
    changes: list[Change] = []
    refused, unverified = dict(plan.refused), set[ObjectKey]()
    for change in plan.changes:
        await cluster.reached()
        if change.action not in WRITES:
            if change.action is Action.DELETE and change.key in cluster.refusals:
                refused[change.key] = cluster.refusals[change.key]
            else:
                changes.append(change)
            continue
        cluster.dry_runs.append(change.key)
        error = refusal(cluster, memory, change.key, wanted[change.key], desired)
        if isinstance(error, MissingNamespace) and _namespace_of(change.key) in wanted:
            unverified.add(change.key)
        elif isinstance(error, ShoalError):
            refused[change.key] = error
            continue
        tried = _tried(cluster, memory, change, wanted[change.key], desired.target)
        changes += [tried] if tried else []
    return Plan(plan.target, tuple(changes), Proof.DRY_RUN, refused, frozenset(unverified))


def named(live: FakeObject) -> str:
    """Whose an object is."""
    return f"application {live.owner.application}" if live.owner else "somebody else"


def _tried(
    cluster: FakeCluster, memory: FakeMemory, change: Change, body: Body, target: TargetKey
) -> Change | None:
    live, drift = cluster.objects.get(change.key), memory.drifted.get(change.key)
    if live is None:
        creation = {"op": "add", "path": "", "value": body}
        return replace(change, patch=masked_patch(change.key, [creation], body))
    if change.action is Action.CORRECT and drift and drift.kind is DriftKind.ADDED:
        return replace(change, patch=drift.patch)
    patch = told_difference(change.key, live.body, merged(live.body, body))
    change = replace(change, patch=patch)
    if live.owner != target:
        cause = f"taken over from {named(live)}"
        return replace(change, action=Action.ADOPT, before_digest=None, cause=cause)
    return change if patch or change.action is Action.RECREATE else None


def _may_adopt(live: FakeObject, body: Body, policy: ExistingPolicy) -> bool:
    is_equal = merged(live.body, body) == live.body
    return policy is ExistingPolicy.ADOPT or (
        policy is ExistingPolicy.ADOPT_IF_NO_DIFF and is_equal
    )


def _namespace_of(key: ObjectKey) -> ObjectKey:
    return ObjectKey("", "Namespace", "", key.namespace)
