"""One object as it was rendered: what it says, and where it came from.

Kept as the canonical JSON text and not as a tree, which is eight times as large, and whose every
mapping the garbage collector visits again and again. Digests and requests are made of the text; the
few that must look inside parse it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from shoal.errors import InvalidManifest
from shoal.model.digests import canonical
from shoal.model.identity import ObjectKey


@dataclass(frozen=True, slots=True, init=False)
class Manifest:
    """A Kubernetes object as a renderer made it: `Manifest(body, origin)`.

    `text` is the canonical JSON of the body, `key` its identity as written: missing parts are empty
    and refused when it is prepared. `origin` is the path in the source, for messages only
    (`web/deployment.yaml:12`). Raises InvalidManifest for a body that is not JSON.
    """

    key: ObjectKey
    api_version: str
    text: bytes = field(repr=False)
    origin: str

    def __init__(self, body: Mapping[str, Any], origin: str) -> None:
        key, api_version = _key(body), sys.intern(str(body.get("apiVersion", "")))
        try:
            # A copy, for what orjson 3.13 gives keeps the 4 KiB that it was written into.
            text = bytes(memoryview(canonical(body)))
        except TypeError as error:  # orjson.JSONEncodeError is one
            raise InvalidManifest(
                f"{key} ({origin}): not JSON, for {error}; put keys and large numbers in quotes",
                next_step="correct it in the source",
            ) from error
        self._fill(key, api_version, text, origin)

    def _fill(self, key: ObjectKey, api_version: str, text: bytes, origin: str) -> None:
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "api_version", api_version)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "origin", origin)

    @property
    def body(self) -> Mapping[str, Any]:
        """The object as a tree of its own, parsed anew at each look, some 3 µs."""
        body: Mapping[str, Any] = orjson.loads(self.text)
        return body

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the object itself."""
        return (self.body.get("metadata") or {}).get("labels") or {}

    def moved(self, origin: str) -> Manifest:
        """The same object, said to come from elsewhere."""
        moved = object.__new__(Manifest)
        moved._fill(self.key, self.api_version, self.text, origin)
        return moved


def _key(body: Mapping[str, Any]) -> ObjectKey:
    """The identity; its parts are shared, for most objects have few kinds and namespaces."""
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    group, slash, _ = str(body.get("apiVersion", "")).rpartition("/")
    return ObjectKey(
        sys.intern(group) if slash else "",
        sys.intern(str(body.get("kind", ""))),
        sys.intern(str(metadata.get("namespace") or "")),
        str(metadata.get("name") or ""),
    )
