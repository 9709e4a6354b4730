"""What controllers of a cluster made for the objects of a target: the Pods below a workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from shoal.model.health import Health
from shoal.model.identity import ObjectKey


class Pod(NamedTuple):
    """One Pod, and the object of Git that it is there for.

    `through` is what stands between them (`ReplicaSet web-6c9f`); empty when nothing does.
    """

    owner: ObjectKey
    name: str
    through: str
    health: Health


@dataclass(frozen=True, slots=True)
class Descent:
    """The Pods of one target, and in words what could not be looked at."""

    pods: tuple[Pod, ...] = ()
    gaps: tuple[str, ...] = ()
