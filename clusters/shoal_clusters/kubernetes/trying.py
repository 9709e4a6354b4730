"""Trying: what a write would make of a live object, by asking the server to store nothing.

Used before an object is adopted, and for every plan that is proven. The answer is the object as it
would be, defaults and admission included, so two states can be compared that both came from the
server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from shoal.model.plans import Result
from shoal_clusters.kubernetes.deployers import former_marks
from shoal_clusters.kubernetes.inheriting import without_inherited
from shoal_clusters.kubernetes.marks import APPLICATION_LABEL, FLEET_LABEL, OWNER_ANNOTATION
from shoal_clusters.kubernetes.modes import Mode
from shoal_clusters.kubernetes.patching import operations_between, patch_exactly
from shoal_clusters.kubernetes.preparing import opened_without
from shoal_clusters.kubernetes.projecting import scaled
from shoal_clusters.kubernetes.replacement import replacement
from shoal_clusters.kubernetes.requesting import apply_owned, replace
from shoal_clusters.kubernetes.tools import Errand, ended
from shoal_clusters.transport import Answer

Body = Mapping[str, Any]
# What every write may change and nobody asked for.
_BOOKKEEPING = frozenset(
    {"managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink"}
)
_OUR_MARKS = (
    ("labels", FLEET_LABEL),
    ("labels", APPLICATION_LABEL),
    ("annotations", OWNER_ANNOTATION),
)
_REPLICAS = ("spec", "replicas")


async def try_write(errand: Errand, live: Body) -> Answer:
    """The answer to our write to exactly this object, with nothing stored."""
    transport, resource, prepared = errand.tools.transport, errand.resource, errand.prepared
    if prepared.mode is Mode.REPLACE:
        return await replace(transport, resource, errand.key, replacement(prepared, live), dry=True)
    opened = opened_without(prepared, _REPLICAS) if scaled(live) else prepared.opened
    uid = live["metadata"]["uid"]
    return await apply_owned(transport, resource, errand.key, opened, uid, dry=True)


async def try_adoption(errand: Errand, live: Body) -> Answer:
    """The same for an object of somebody else, whose fields we would inherit first.

    A field that only the former owner had, and Git has not, would go; what the server then puts in
    its place (a default) is its own to say, so it is asked a second time.
    """
    answer = await try_write(errand, live)
    if answer.status != 200 or errand.prepared.mode is Mode.REPLACE:
        return answer
    applied = orjson.loads(answer.body)
    heirs = without_inherited(applied, errand.task.policy.by_hand)
    if heirs == applied:
        return answer
    operations = operations_between(plain(live), plain(heirs))
    version = live["metadata"]["resourceVersion"]
    return await patch_exactly(
        errand.tools.transport,
        errand.resource,
        errand.key,
        operations,
        version=version,
        dry=True,
    )


async def changes_but_marks(errand: Errand, live: Body) -> Sequence[str] | Result:
    """The paths that an adoption would change, but for marks: ours, and those of the owner before.

    A Result when the server refuses it.
    """
    answer = await try_adoption(errand, live)
    if answer.status != 200:
        return ended(errand.change, errand.refused(answer))
    marks = [*_OUR_MARKS, *former_marks(live, errand.prepared.body)]
    before, after = (_unmarked(each, marks) for each in (live, orjson.loads(answer.body)))
    return [str(operation["path"]) for operation in operations_between(plain(before), plain(after))]


def cannot_be_tried(answer: Answer) -> bool:
    """Whether a webhook with side effects stands in the way of every dry run."""
    return b"does not support dry run" in answer.body


def plain(body: Body) -> Body:
    """Without status, and without what the server writes of every write."""
    metadata = body.get("metadata") or {}
    kept = {name: value for name, value in metadata.items() if name not in _BOOKKEEPING}
    return {**{name: value for name, value in body.items() if name != "status"}, "metadata": kept}


def _unmarked(body: Body, marks: Sequence[tuple[str, str]]) -> Body:
    """Without these labels and annotations; a missing map is an empty one, so that each is told."""
    metadata = dict(body.get("metadata") or {})
    for part in ("labels", "annotations"):
        gone = {key for where, key in marks if where == part}
        there = metadata.get(part) or {}
        metadata[part] = {key: value for key, value in there.items() if key not in gone}
    return {**body, "metadata": metadata}
