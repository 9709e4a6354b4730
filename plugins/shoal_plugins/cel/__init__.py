"""The built-in gate `cel`: a rule over the plan, written in the Common Expression Language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shoal.hooks import hookimpl
from shoal.hooks.gates import Gate
from shoal_plugins.cel.gate import CelGate

__all__ = ["CelGate", "shoal_gates"]


@hookimpl
def shoal_gates() -> Sequence[Gate[Any]]:
    """The gates of this distribution."""
    return (CelGate(),)
