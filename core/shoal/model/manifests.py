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

APPLY_ANNOTATION = "shoal.dev/apply"
"""On an object in Git: how it is applied, where that is not as all others are."""
CREATED_ONCE = "IfNotPresent"
"""The value for what is created when it is missing, and never changed after that."""
_CREATED_ONCE_TEXT = f'"{APPLY_ANNOTATION}":"{CREATED_ONCE}"'.encode()


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

    @property
    def counted(self) -> bytes:
        """What of the text counts as a change: all of it, unless the object is created only once.

        A password that a chart makes up is another one each time, and none of them is ever sent
        again; that it is to be there is all that Git says.
        """
        if _CREATED_ONCE_TEXT not in self.text:
            return self.text
        return canonical(counted(self.body))

    def moved(self, origin: str) -> Manifest:
        """The same object, said to come from elsewhere."""
        moved = object.__new__(Manifest)
        moved._fill(self.key, self.api_version, self.text, origin)
        return moved


def is_created_once(body: Mapping[str, Any]) -> bool:
    """Whether the object is created when it is missing, and otherwise left as it is."""
    annotations = (body.get("metadata") or {}).get("annotations")
    return isinstance(annotations, Mapping) and annotations.get(APPLY_ANNOTATION) == CREATED_ONCE


def counted(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a body whose change is a change."""
    if not is_created_once(body):
        return body
    metadata = body["metadata"]
    kept = {name: metadata[name] for name in ("name", "namespace") if name in metadata}
    kept["annotations"] = {APPLY_ANNOTATION: CREATED_ONCE}
    return {"apiVersion": body.get("apiVersion"), "kind": body.get("kind"), "metadata": kept}


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
