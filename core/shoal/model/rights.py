"""What an account must be allowed on a cluster: a command asks, a target type answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shoal.model.manifests import Manifest


class Delivered(NamedTuple):
    """What one application has on a cluster; `is_observed` when nothing of it is ever written."""

    manifests: Sequence[Manifest]
    is_observed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """For whom rights are granted, and how widely.

    `account` is the name of a service account in `account_namespace`. `is_wide`: in all namespaces,
    and over every object of the kinds. `can_sweep`: every kind may be listed, as is needed to find
    what a lost database knew.
    """

    fleet: str
    account: str
    account_namespace: str
    is_wide: bool = False
    can_sweep: bool = False


@dataclass(frozen=True, slots=True)
class Grants:
    """What an administrator applies to grant it, and sentences about what it costs or lacks."""

    manifests: Sequence[Manifest] = field(repr=False)
    notes: Sequence[str] = ()
