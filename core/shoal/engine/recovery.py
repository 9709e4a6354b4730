"""What is known of a cluster whose inventory may have holes, and what is remembered of sweeps.

`recovering` carries a recovery out; everybody else only asks whether there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from shoal.errors import ShoalError
from shoal.model.identity import GroupKind, TargetKey
from shoal.store import RESTORED, PutSetting

# A setting of the store, by cluster: when it was last known for sure what is ours there.
_SWEPT = "swept/"


@dataclass(slots=True)
class Recovery:
    """A cluster of which the inventory may have holes, and how far its sweep has come.

    `why` completes "because …"; `uid` is that of the cluster that this began on. `is_doubting`: its
    rows are not believed either. `swept` are the kinds of which everything was seen, out of
    `kinds`; `left` says of others why they were not, once each of them was tried
    (`is_round_over`). `objects` carry our marks; `waiting` are targets that would delete something
    meanwhile.
    """

    why: str
    since: datetime
    uid: str
    is_doubting: bool = False
    kinds: int = 0
    swept: set[GroupKind] = field(default_factory=set[GroupKind])
    left: Mapping[GroupKind, ShoalError] = field(default_factory=dict[GroupKind, ShoalError])
    objects: int = 0
    is_round_over: bool = False
    waiting: set[TargetKey] = field(default_factory=set[TargetKey])

    def keeps(self, kind: GroupKind) -> bool:
        """Whether nothing of a kind is deleted: its rows are old, and it was not listed since."""
        return self.is_doubting and kind not in self.swept


class Sweep(NamedTuple):
    """When a cluster was last swept whole, and which one it was by its uid."""

    at: datetime
    uid: str

    def setting(self, cluster: str) -> PutSetting:
        """How it is remembered."""
        return PutSetting(f"{_SWEPT}{cluster}", f"{self.at.isoformat()} {self.uid}")


def sweeps(settings: Mapping[str, str]) -> dict[str, Sweep]:
    """The last whole sweep of each cluster."""
    found = {}
    for name, text in settings.items():
        if name.startswith(_SWEPT):
            at, _, uid = text.partition(" ")
            found[name.removeprefix(_SWEPT)] = Sweep(datetime.fromisoformat(at), uid)
    return found


def restored_at(settings: Mapping[str, str]) -> datetime | None:
    """When the state was put back to an older one; None: never."""
    at = settings.get(RESTORED, "")
    return datetime.fromisoformat(at) if at else None
