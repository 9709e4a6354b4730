"""All refusals, by name."""

from __future__ import annotations

from tests.kubernetes.refusals import denials, faults, passing
from tests.kubernetes.refusals.ground import REFUSALS

__all__ = ["REFUSALS", "denials", "faults", "passing"]
