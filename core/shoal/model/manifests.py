"""One object as it was rendered: its body, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shoal.model.identity import ObjectKey


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Kubernetes object as a renderer made it; the body is never changed in place.

    `origin` is the path in the source, for messages only (`web/deployment.yaml:12`).
    """

    body: Mapping[str, Any]
    origin: str

    @property
    def key(self) -> ObjectKey:
        """Its identity as written; missing parts are empty and refused when it is prepared."""
        metadata = self.body.get("metadata") or {}
        group, slash, _ = str(self.body.get("apiVersion", "")).rpartition("/")
        return ObjectKey(
            group if slash else "",
            str(self.body.get("kind", "")),
            str(metadata.get("namespace") or ""),
            str(metadata.get("name") or ""),
        )

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the object itself."""
        return (self.body.get("metadata") or {}).get("labels") or {}
