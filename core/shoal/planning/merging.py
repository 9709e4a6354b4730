"""How values for templates are merged: as Helm merges value files, so that nobody is surprised.

Mappings merge, everything else replaces: lists too, and null, which for Helm takes a chart's own
default away. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged_values(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` merged over it; neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = merged_values(below, value)
        else:
            merged[key] = value
    return merged
