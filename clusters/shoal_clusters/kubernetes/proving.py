"""Proving: a plan tried out on the API server, which goes through all of it and stores nothing.

Each change is asked about as it would be sent: a create that is bound to nothing being there, a
write bound to the uid, a delete bound to uid and version. What comes back is the object as it would
be, so the plan tells the difference to what is live, and everything that the server refuses is told
at once. What stands on something that the same set brings cannot be tried whole; it is checked as
far as the server can and marked `unverified`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from shoal.errors import InvalidObject, MissingNamespace, ServerBusy, ShoalError
from shoal.model.differences import told_difference
from shoal.model.identity import ObjectKey
from shoal.model.masking import masked_patch
from shoal.model.plans import Action, Change, Owned, Plan, Proof, Result, ResultStatus
from shoal.model.sightings import DriftKind
from shoal_clusters.kubernetes import comparing, requesting
from shoal_clusters.kubernetes.adding import removal
from shoal_clusters.kubernetes.adopting import Theirs, judge, whole
from shoal_clusters.kubernetes.applying import not_served, served
from shoal_clusters.kubernetes.claiming import Believed
from shoal_clusters.kubernetes.discovering import Resource
from shoal_clusters.kubernetes.fanout import for_each
from shoal_clusters.kubernetes.immutable import immutable_fields, why_kept
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.patching import patch_exactly
from shoal_clusters.kubernetes.preparing import DEFAULT_NAMESPACE, Prepared
from shoal_clusters.kubernetes.projecting import Fields, overlay, union
from shoal_clusters.kubernetes.recreating import would_be_created
from shoal_clusters.kubernetes.staging import Fact, FactKind, needs
from shoal_clusters.kubernetes.tools import Errand, Task, Tools
from shoal_clusters.kubernetes.trying import cannot_be_tried, plain, try_adoption, try_write
from shoal_clusters.transport import Answer

Body = Mapping[str, Any]


async def prove(tools: Tools, plan: Plan, prepared: Prepared, task: Task, *, at_once: int) -> Plan:
    """The plan as the server sees it. Raises only what concerns the whole cluster."""
    objects = prepared.objects
    facts = needs(objects, lambda key: objects[key].body)
    trial = _Trial(tools, plan, prepared, task, facts)
    await for_each(plan.changes, at_once, trial.ask)
    return Plan(
        plan.target,
        tuple(trial.changes[key] for key in sorted(trial.changes)),
        Proof.DRY_RUN,
        {**plan.refused, **trial.refused},
        frozenset(trial.unverified),
    )


class _Unverified(Exception):  # no error: it says that nobody can say
    """The server cannot be asked about this one."""


@dataclass
class _Trial:
    """One plan on trial, and what came of it so far."""

    tools: Tools
    plan: Plan
    prepared: Prepared
    task: Task
    facts: Mapping[ObjectKey, frozenset[Fact]]
    changes: dict[ObjectKey, Change] = field(default_factory=dict)
    refused: dict[ObjectKey, ShoalError] = field(default_factory=dict)
    unverified: set[ObjectKey] = field(default_factory=set)

    async def ask(self, change: Change) -> None:
        """Ask about one change, and note what the server says."""
        try:
            found = await self._ask(change)
        except _Unverified:
            self.changes[change.key] = change
            self.unverified.add(change.key)
            return
        if isinstance(found, ShoalError):
            self.refused[change.key] = found
        elif found is not None:
            self.changes[change.key] = found

    async def _ask(self, change: Change) -> Change | ShoalError | None:
        if change.action in (Action.HAND_OVER, Action.LET_GO):
            return change
        if change.action is Action.DELETE:
            return await self._ask_delete(change)
        prepared = self.prepared.objects[change.key]
        resource = await served(self.tools, prepared)
        if resource is None:
            if self.facts.get(change.key):
                raise _Unverified
            return not_served(self.tools, prepared)
        errand = Errand(self.tools, self.task, resource, change, prepared)
        found = await _ask_write(errand)
        if isinstance(found, MissingNamespace) and self._brings_namespace_of(change):
            found = await _ask_elsewhere(errand)
        return self._believed(change, found)

    def _brings_namespace_of(self, change: Change) -> bool:
        return ObjectKey("", "Namespace", "", change.key.namespace) in self.prepared.objects

    def _believed(
        self, change: Change, found: Change | ShoalError | None
    ) -> Change | ShoalError | None:
        """A refusal by a schema that the same set is about to change says nothing yet."""
        facts = self.facts.get(change.key, ())
        stands_on = {fact.key for fact in facts if fact.kind is not FactKind.ACTIVE}
        is_changing = any(one.key in stands_on for one in self.plan.changes)
        if isinstance(found, InvalidObject) and is_changing:
            raise _Unverified
        return found

    async def _ask_delete(self, change: Change) -> Change | ShoalError | None:
        row = self.tools.register.row(change.key)
        catalogue = await self.tools.discovery.current()
        resource = catalogue.preferred(change.key.group_kind)
        if row is None or resource is None:
            return change
        uid, version = row.uid, self.tools.register.version(change.key)
        if not uid or not version:
            return await self._look_at(change, resource, row)
        answer = await requesting.delete(
            self.tools.transport, resource, change.key, uid=uid, version=version, dry=True
        )
        if answer.status == 409:
            return await self._look_at(change, resource, row)
        if answer.status in (200, 202, 404):
            return change
        return self.tools.refusal(answer, change.key, "delete")

    async def _look_at(
        self, change: Change, resource: Resource, row: Owned
    ) -> Change | ShoalError | None:
        """It is not as it was seen last: whose is it now?"""
        looked = await requesting.look(self.tools.transport, resource, change.key)
        if looked.status not in (200, 404):
            return self.tools.refusal(looked, change.key, "get")
        live = orjson.loads(looked.body) if looked.status == 200 else None
        verdict = self.tools.comparer.compare(live, row, is_event=False)
        if isinstance(verdict, comparing.NotOurs):
            return replace(change, cause=f"let go of, for it belongs to {verdict.owner} now")
        return change


async def _ask_write(errand: Errand) -> Change | ShoalError | None:
    """What the server says of one object: its change, an error, or None for no change."""
    change, drift = errand.change, errand.tools.register.drifted.get(errand.key)
    if change.action is Action.CORRECT and drift and drift.kind is DriftKind.ADDED:
        return await _ask_removal(errand)
    must_look = change.action is not Action.CREATE
    if must_look or await errand.tools.aggregation.serves(errand.resource):
        live = await _read(errand)
        if live is not None:
            return live if isinstance(live, ShoalError) else await _ask_about(errand, live)
    answer = await _try_create(errand)
    if answer.status == 201:
        return replace(change, patch=_creation(errand))
    if answer.status not in (200, 409):
        return await _refusal(errand, answer)
    live = await _read(errand)
    if live is None:
        return ServerBusy(f"{errand.tools.transport.cluster}: {errand.key} came and went just now")
    return live if isinstance(live, ShoalError) else await _ask_about(errand, live)


async def _ask_removal(errand: Errand) -> Change | ShoalError:
    """Whether what was added by hand could be taken away; a patch of removals says no value."""
    register, transport = errand.tools.register, errand.tools.transport
    operations = removal(register.added.get(errand.key, ()))
    version = register.version(errand.key)
    answer = await patch_exactly(
        transport, errand.resource, errand.key, operations, version=version, dry=True
    )
    if answer.status in (200, 404, 409):
        return errand.change
    return errand.tools.refusal(answer, errand.key, "patch")


async def _read(errand: Errand) -> Body | ShoalError | None:
    answer = await requesting.look(errand.tools.transport, errand.resource, errand.key)
    if answer.status == 404:
        return None
    if answer.status != 200:
        return errand.tools.refusal(answer, errand.key, "get")
    live: Body = orjson.loads(answer.body)
    return live


async def _try_create(errand: Errand) -> Answer:
    mode, transport = errand.prepared.mode, errand.tools.transport
    send = requesting.create if mode is Mode.REPLACE else requesting.apply_created
    return await send(transport, errand.resource, errand.key, errand.prepared.opened, dry=True)


async def _ask_about(errand: Errand, live: Body) -> Change | ShoalError | None:
    """Something is there: ours to be written, somebody else's to be adopted, or neither."""
    judged = await judge(errand, live)
    if isinstance(judged, Result):
        return _as_planned(judged, errand)
    if errand.prepared.mode is Mode.IF_NOT_PRESENT:
        return None
    there = await whole(errand, live)
    if isinstance(there, ShoalError):
        return there
    return await _ask_to_write(errand, judged, there)


async def _ask_to_write(
    errand: Errand, judged: Believed | Theirs, live: Body
) -> Change | ShoalError | None:
    if errand.change.action is Action.RECREATE:
        return await _ask_recreate(errand, live)
    is_inherited = isinstance(judged, Theirs) and judged.is_ours_to_inherit
    answer = await (try_adoption if is_inherited else try_write)(errand, live)
    if answer.status != 200:
        return await _refusal(errand, answer, live)
    patch = _patch(errand, live, orjson.loads(answer.body), is_whole=is_inherited)
    change = replace(errand.change, patch=patch)
    if isinstance(judged, Theirs):
        cause = f"taken over from {judged.owner}"
        return replace(change, action=Action.ADOPT, before_digest=None, cause=cause)
    if not patch:
        return None
    if change.action is Action.CREATE:
        return replace(change, action=Action.UPDATE, cause="it is there already, and differs")
    return change


def _as_planned(result: Result, errand: Errand) -> Change | ShoalError | None:
    """The end of a change before anything was sent, as a plan tells it."""
    if result.error is not None:
        return result.error
    if result.status is ResultStatus.WAITING:
        is_new = errand.change.action is Action.CREATE  # and here it is, so that is no cause
        because = "" if is_new else f"{errand.change.cause}; "
        return replace(errand.change, cause=f"{because}it {result.note}")
    return None


async def _ask_recreate(errand: Errand, live: Body) -> Change | ShoalError:
    answer = await would_be_created(errand)
    if isinstance(answer, ShoalError):
        return answer
    created = orjson.loads(answer.body)
    metadata = {**created["metadata"], "name": errand.key.name}
    patch = told_difference(errand.key, plain(live), plain({**created, "metadata": metadata}))
    return replace(errand.change, action=Action.RECREATE, patch=patch)


async def _refusal(
    errand: Errand, answer: Answer, live: Body | None = None
) -> Change | ShoalError | None:
    """What a refusal means for the plan."""
    if cannot_be_tried(answer):
        raise _Unverified
    error = errand.tools.refusal(answer, errand.key, "patch")
    if errand.prepared.mode is not Mode.RECREATE or live is None:
        return error
    kind = errand.key.group_kind
    if immutable_fields(kind, answer.body) and not why_kept(kind, live):
        return await _ask_recreate(errand, live)
    return error


async def _ask_elsewhere(errand: Errand) -> InvalidObject:
    """Its namespace comes with it: the schema is checked in a namespace that is always there."""
    answer = await would_be_created(errand, DEFAULT_NAMESPACE)
    if isinstance(answer, InvalidObject):
        return answer
    raise _Unverified


def _patch(
    errand: Errand, live: Body, would_be: Body, *, is_whole: bool
) -> Sequence[Mapping[str, Any]]:
    """The difference of what we own, or would own; of all when nobody says what that is."""
    field_sets = errand.tools.comparer.field_sets
    ours = field_sets.own_fields(would_be)
    if ours is not None and not is_whole and errand.prepared.mode is not Mode.REPLACE:
        before = field_sets.own_fields(live)
        fields: Fields = union(ours.fields, before.fields) if before else ours.fields
        would_be = overlay(live, would_be, field_sets.intern(fields))
    return told_difference(errand.key, plain(live), plain(would_be))


def _creation(errand: Errand) -> Sequence[Mapping[str, Any]]:
    body = errand.prepared.body
    return masked_patch(errand.key, [{"op": "add", "path": "", "value": body}], body)
