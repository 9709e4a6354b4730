"""Modes: how one object is applied, when its manifest asks for another way than server-side apply.

`shoal.dev/apply` is read from Git alone: on a live object it would let anybody with rights there
tell Shoal to replace, to delete or to look away. A word that is not known is refused, for to fall
back on the ordinary way is what its author wanted to prevent.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from shoal.model.choice import nearest
from shoal.model.manifests import APPLY_ANNOTATION, CREATED_ONCE


class Mode(StrEnum):
    """How an object is applied.

    APPLY is what no annotation means. IF_NOT_PRESENT: created when it is missing, and then left as
    it is until Git drops it. REPLACE: sent whole. RECREATE: deleted and created again where a field
    cannot be changed. JSON_PATCH: drift is undone by exactly what differs. IGNORE: left alone.
    """

    APPLY = "Apply"
    IF_NOT_PRESENT = CREATED_ONCE
    REPLACE = "Replace"
    RECREATE = "Recreate"
    JSON_PATCH = "JSONPatch"
    IGNORE = "Ignore"


_WRITTEN = tuple(mode for mode in Mode if mode is not Mode.APPLY)


def mode_of(body: Mapping[str, Any]) -> Mode:
    """The mode that a manifest asks for. Raises ValueError with a sentence for an unknown one."""
    annotations = (body.get("metadata") or {}).get("annotations")
    said = annotations.get(APPLY_ANNOTATION) if isinstance(annotations, Mapping) else None
    if said is None:
        return Mode.APPLY
    if said in _WRITTEN:
        return Mode(said)
    meant = nearest(str(said), _WRITTEN)
    hint = f"did you mean {meant}?" if meant else f"expected one of {', '.join(_WRITTEN)}"
    raise ValueError(f"metadata.annotations.{APPLY_ANNOTATION}: {str(said)!r} is no mode; {hint}")
