"""What can be written, as values: the vocabulary of `Store.write`.

A change names one row, or for the inventory many, by its key; putting a row that is there replaces
it, dropping one that is not there is no error. All changes of one call take effect together.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from shoal.model.alerts import Stream, StreamKey
from shoal.model.holds import Approval, Hold
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Grant, Owned
from shoal.model.records import Entry, Intent
from shoal.store.states import SourceState, TargetState


@dataclass(frozen=True, slots=True)
class PutOwned:
    """Inventory rows, of any clusters; the cluster is that of the row's target."""

    rows: Sequence[Owned]


@dataclass(frozen=True, slots=True)
class DropOwned:
    """Inventory rows of one cluster that are no longer ours."""

    cluster: str
    keys: Collection[ObjectKey]


@dataclass(frozen=True, slots=True)
class PutGrant:
    """The grant of one target."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class DropGrant:
    """The target is granted nothing any more."""

    target: TargetKey


@dataclass(frozen=True, slots=True)
class PutHold:
    """A hold, by its id."""

    hold: Hold


@dataclass(frozen=True, slots=True)
class DropHold:
    """A hold that was released or ran out."""

    id: str


@dataclass(frozen=True, slots=True)
class PutApproval:
    """An approval, by the id of its hold."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class DropApproval:
    """An approval that ran out, by the id of its hold."""

    hold: str


@dataclass(frozen=True, slots=True)
class PutIdentity:
    """Which cluster a name leads to: the uid of its namespace `kube-system`."""

    cluster: str
    uid: str


@dataclass(frozen=True, slots=True)
class DropIdentity:
    """The cluster was let go."""

    cluster: str


@dataclass(frozen=True, slots=True)
class PutTarget:
    """How the last work on a target ended."""

    state: TargetState


@dataclass(frozen=True, slots=True)
class DropTarget:
    """The target is gone."""

    target: TargetKey


@dataclass(frozen=True, slots=True)
class PutIntent:
    """What a pass over one target is about to send; a target has one at a time."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class DropIntent:
    """How the pass ended is known."""

    target: TargetKey


@dataclass(frozen=True, slots=True)
class PutSource:
    """What a source gave last."""

    state: SourceState


@dataclass(frozen=True, slots=True)
class DropSource:
    """The source is gone."""

    source: Ref


@dataclass(frozen=True, slots=True)
class PutStream:
    """How far one destination of an Alert has come."""

    key: StreamKey
    stream: Stream


@dataclass(frozen=True, slots=True)
class DropStream:
    """The destination, or its Alert, is gone."""

    key: StreamKey


@dataclass(frozen=True, slots=True)
class PutSetting:
    """One fact about the installation, such as the fleet's name; never a secret."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Append:
    """One more record of the ledger."""

    entry: Entry


Change = (
    PutOwned
    | DropOwned
    | PutGrant
    | DropGrant
    | PutHold
    | DropHold
    | PutApproval
    | DropApproval
    | PutIdentity
    | DropIdentity
    | PutTarget
    | DropTarget
    | PutIntent
    | DropIntent
    | PutSource
    | DropSource
    | PutStream
    | DropStream
    | PutSetting
    | Append
)
