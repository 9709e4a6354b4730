"""Comparing: what a live object is, measured against what our last write left behind.

Live text is never compared with desired text (`1000m` comes back as `1`): the live object is
projected on the *stored* field set, the one of the response to our last write, and its digest
compared with the stored one. The live field set would be useless for that, because an edit takes
the edited field out of it; for the same reason the difference between the two sets tells which
fields were touched, and who owns them now tells by whom.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from shoal.model.differences import difference, told_difference
from shoal.model.digests import Digester
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Owned, OwnedState
from shoal.model.sightings import Drift, DriftKind
from shoal_clusters.kubernetes.adding import union
from shoal_clusters.kubernetes.baselines import Baseline, decode, decode_packed, encode, is_newer
from shoal_clusters.kubernetes.completing import is_finished
from shoal_clusters.kubernetes.marks import MARK_FIELDS, Holder, Ownership, owner_named, whose
from shoal_clusters.kubernetes.projecting import (
    REPLICAS,
    Fields,
    FieldSet,
    FieldSets,
    changed_by,
    document_fields,
    overlay,
    project,
    scaled,
    subtract,
    without_path,
)


@dataclass(frozen=True, slots=True)
class Equal:
    """As we wrote it. `owned` is a row to keep instead (it finished, or was scaled), or None."""

    owned: Owned | None = None


@dataclass(frozen=True, slots=True)
class Stale:
    """An event not newer than our last write; it says nothing."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """Different from what we wrote, or gone. `owned` as in `Equal`.

    `is_rescaled`: `spec.replicas` differs, and nobody has written `/scale`.
    """

    drift: Drift
    owned: Owned | None = None
    is_rescaled: bool = False


@dataclass(frozen=True, slots=True)
class OwnershipLost:
    """The values are ours and the ownership of some is not: to be applied again, and no drift."""


@dataclass(frozen=True, slots=True)
class NotOurs:
    """Another object of this name, or one that says that it belongs to somebody else."""

    holder: Holder
    owner: str
    uid: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Only its metadata were looked at, and they do not tell: the value is to be read."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """There is no baseline to compare with; an apply that changes nothing costs nothing."""


DesiredBody: TypeAlias = Callable[[], Mapping[str, Any] | None]
"""Gives the prepared body when it is at hand; parsing it is left to who needs it."""

Verdict: TypeAlias = Equal | Stale | Drifted | OwnershipLost | NotOurs | Unread | Unsure


@dataclass(frozen=True, slots=True)
class Comparer:
    """What all comparisons of one cluster share."""

    fleet: str
    digester: Digester
    field_sets: FieldSets

    def compare(
        self,
        live: Mapping[str, Any] | None,
        owned: Owned,
        *,
        desired: DesiredBody | None = None,
        is_event: bool = True,
        is_whole: bool = True,
    ) -> Verdict:
        """Judge one live object; None: it is gone.

        `is_whole` False: `live` is the metadata alone, which tell everything but an edit.
        `desired` gives the prepared body, for the patch of a drift only. `is_event` False is for
        the answer to a GET or LIST that was *asked after* our last write: it is believed even when
        its resourceVersion is older (an API server restored from a backup). Cost: some 40 µs.
        """
        baseline = decode(owned.baseline)
        if live is None:
            return _judge_absence(baseline)
        stranger = self._stranger(live, owned)
        if stranger is not None:
            return stranger
        metadata = live.get("metadata") or {}
        if baseline is None:
            return Unsure()
        version = str(metadata.get("resourceVersion", ""))
        if owned.uid and metadata.get("uid") != owned.uid:
            # Ours by its marks, and not the one we know: made by us just before a kill, back with a
            # restored etcd, or an old event. The one we know is gone; correcting that finds this.
            is_current = not is_event or is_newer(version, baseline.resource_version)
            return _judge_absence(baseline) if is_current else Unsure()
        if version == baseline.resource_version or metadata.get("deletionTimestamp"):
            # What is going away is not corrected; its end is an event of its own.
            return Equal(self._refreshed(live, owned, baseline))
        if is_event and not is_newer(version, baseline.resource_version):
            return Stale()
        if not is_whole:
            return Unread()
        if is_newer(baseline.resource_version, version):
            # The server went back, and counts again from here on. That this version is ours is only
            # said when it is found equal: else one look would hide a drift from the next.
            baseline = msgspec.structs.replace(baseline, resource_version="")
        return self._judge(live, owned, baseline, desired)

    def taken(
        self, live: Mapping[str, Any], owned: Owned, desired: Mapping[str, Any], added: Fields
    ) -> Sequence[Mapping[str, Any]]:
        """The masked patch from the desired body to what is live, of our fields and of `added`.

        Only of fields that were touched: the API server writes some in other words (`1000m` comes
        back as `1`), and Git need not follow it.
        """
        baseline = decode(owned.baseline)
        if baseline is None:
            return ()
        field_set = self.field_sets.intern_text(baseline.fields)
        touched: Sequence[Fields | None] = (None,)
        verdict = self._judge(live, owned, baseline, None)
        if isinstance(verdict, Drifted) and verdict.drift.kind is not DriftKind.UNMARKED:
            lost = self._lost(live, field_set, is_scaled=scaled(live))
            # Our marks are no business of Git.
            touched = [each and subtract(each, MARK_FIELDS) for each in (lost, field_set.fields)]
        for fields in touched:
            part = union(fields, added)
            after = overlay(desired, live, self.field_sets.intern(part)) if part else desired
            patch = difference(owned.key, desired, after)
            if patch:
                return patch
        return ()

    def confirmed(
        self,
        target: TargetKey,
        key: ObjectKey,
        response: Mapping[str, Any],
        *,
        desired: Callable[[], Mapping[str, Any]],
        desired_digest: str,
        is_targeted: bool = False,
        fields: Fields | None = None,
    ) -> Owned:
        """The inventory row that is true after a successful write, from the response to it.

        `desired`, the prepared body, is asked for only where the server keeps no managedFields.
        `is_targeted`: `spec.replicas` was not sent, because an autoscaler names the object.
        `fields` are looked after in place of those that managedFields name as ours.
        """
        own = None if fields is not None else self.field_sets.own_fields(response)
        if fields is None and own is None:
            fields = document_fields(desired())
        field_set = own or self.field_sets.intern(fields or {})
        projected = project(response, field_set)
        metadata = response.get("metadata") or {}
        baseline = Baseline(
            resource_version=str(metadata.get("resourceVersion", "")),
            fields=field_set.text,
            generation=int(metadata.get("generation") or 0),
            is_tracked=own is not None,
            is_finished=is_finished(response, key.group_kind),
            is_scaled=scaled(response) or is_targeted,
            is_targeted=is_targeted,
            replicas=_replicas(projected),
            version=str(response.get("apiVersion", "")).rpartition("/")[2],
        )
        return Owned(
            target=target,
            key=key,
            uid=str(metadata.get("uid", "")),
            desired_digest=desired_digest,
            # A hundred clusters with the same object hold one text, not a hundred.
            owned_digest=sys.intern(self.digester.digest(key.group, key.kind, projected)),
            baseline=encode(baseline),
            state=OwnedState.CONFIRMED,
        )

    def _stranger(self, live: Mapping[str, Any], owned: Owned) -> NotOurs | None:
        """The object as somebody else's, when it is.

        Our uid without readable marks, or without an apply entry, is ours and was edited; another
        uid needs both, as after a create of ours whose answer was lost, and so does what was only
        found by its marks.
        """
        ownership = whose(live, owned.key, fleet=self.fleet)
        uid = str((live.get("metadata") or {}).get("uid", ""))
        if ownership.holder is Holder.OURS and ownership.application == owned.target.application:
            return None
        is_known = bool(owned.uid and owned.baseline) and uid == owned.uid
        if is_known and _is_unclaimed(ownership, owned.target.application):
            return None
        return NotOurs(ownership.holder, owner_named(live, owned.key, fleet=self.fleet), uid)

    def _judge(
        self,
        live: Mapping[str, Any],
        owned: Owned,
        baseline: Baseline,
        desired: DesiredBody | None,
    ) -> Verdict:
        field_set = self.field_sets.intern_text(baseline.fields)
        projected = project(live, field_set)
        is_scaled = scaled(live) or baseline.is_targeted
        replicas = _replicas(projected)
        if is_scaled and baseline.replicas is not None:
            # Written through /scale: the autoscaler's number is not fought, so it is not seen.
            projected["spec"] = {**(projected.get("spec") or {}), "replicas": baseline.replicas}
        digest = self.digester.digest(owned.key.group, owned.key.kind, projected)
        lost = self._lost(live, field_set, is_scaled=is_scaled) if baseline.is_tracked else None
        if digest == owned.owned_digest:
            return OwnershipLost() if lost else Equal(self._settled(live, owned, baseline))
        touched = lost or field_set.fields
        by = changed_by(live, touched)
        return Drifted(
            Drift(
                DriftKind.EDITED if subtract(touched, MARK_FIELDS) else DriftKind.UNMARKED,
                owned_digest=digest,
                manager=by.manager,
                managed_at=by.at,
                patch=self._patch(live, desired, owned.key, (touched, field_set.fields)),
            ),
            self._refreshed(live, owned, baseline),
            is_rescaled=not is_scaled and replicas != baseline.replicas,
        )

    def _lost(
        self, live: Mapping[str, Any], field_set: FieldSet, *, is_scaled: bool
    ) -> Fields | None:
        """What of the stored set is no longer in our live entry; None when nothing is."""
        own = self.field_sets.own_fields(live)
        if own is not None and own.id == field_set.id:
            return None
        lost = subtract(field_set.fields, own.fields) if own else field_set.fields
        if lost and is_scaled:
            lost = without_path(lost, REPLICAS)
        return lost or None

    def _patch(
        self,
        live: Mapping[str, Any],
        desired: DesiredBody | None,
        key: ObjectKey,
        candidates: Sequence[Fields],
    ) -> Sequence[Mapping[str, Any]] | None:
        """The masked way back, of the touched fields; of all owned ones when these say nothing."""
        body = desired() if desired else None
        if body is None:
            return None
        for fields in candidates:
            wanted = overlay(live, body, self.field_sets.intern(fields))
            patch = told_difference(key, live, wanted)
            if patch:
                return patch
        return ()

    def _settled(self, live: Mapping[str, Any], owned: Owned, baseline: Baseline) -> Owned | None:
        """The row of what is as it should be: where the server counts again, from this version."""
        version = baseline.resource_version or str(live["metadata"].get("resourceVersion", ""))
        equal = msgspec.structs.replace(baseline, resource_version=version)
        return self._refreshed(live, owned, equal)

    def _refreshed(self, live: Mapping[str, Any], owned: Owned, baseline: Baseline) -> Owned | None:
        """The row with what was learnt from this look, or None when nothing was."""
        finished = baseline.is_finished or is_finished(live, owned.key.group_kind)
        is_scaled = scaled(live) or baseline.is_targeted
        learnt = msgspec.structs.replace(baseline, is_finished=finished, is_scaled=is_scaled)
        known = decode_packed(owned.baseline)
        if known is not None and _learnable(learnt) == _learnable(known):
            return None
        return msgspec.structs.replace(owned, baseline=encode(learnt))


def _learnable(baseline: Baseline) -> tuple[bool, bool, str]:
    """What a look can change of a baseline."""
    return baseline.is_finished, baseline.is_scaled, baseline.resource_version


def targeted(owned: Owned, *, is_targeted: bool) -> Owned:
    """The row of a workload that an autoscaler names, or does not name any more."""
    baseline = decode(owned.baseline)
    if baseline is None:
        return owned
    learnt = msgspec.structs.replace(baseline, is_targeted=is_targeted, is_scaled=is_targeted)
    return msgspec.structs.replace(owned, baseline=encode(learnt))


def _judge_absence(baseline: Baseline | None) -> Verdict:
    if baseline is None:
        return Unsure()
    if baseline.is_finished:
        return Equal()
    return Drifted(Drift(DriftKind.MISSING, None))


def _is_unclaimed(ownership: Ownership, application: Ref) -> bool:
    """Whether the marks are gone, or are right and only our apply entry is gone."""
    return ownership.holder is Holder.UNMARKED or (
        ownership.holder is Holder.UNAPPLIED and ownership.application == application
    )


def _replicas(projected: Mapping[str, Any]) -> int | None:
    spec = projected.get("spec")
    value = spec.get("replicas") if isinstance(spec, Mapping) else None
    return value if isinstance(value, int) else None
