"""Content as digests: the canonical form of a value, and the hash everything is compared by.

SHA-256 over JSON with sorted keys and no white space. What comes from a Secret is keyed (HMAC) with
the installation's own key, because a plain hash of a password can be guessed; two installations
therefore never agree on the digest of a Secret, and always agree on everything else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


def canonical(value: object) -> bytes:
    """The one JSON text of a value: sorted keys, no white space."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest_bytes(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def digest_value(value: object) -> str:
    """SHA-256 of the canonical JSON of a value that holds no secret."""
    return digest_bytes(canonical(value))


def digest_parts(parts: Iterable[str]) -> str:
    """One digest over an ordered sequence of strings; no two sequences read alike."""
    state = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        state.update(len(encoded).to_bytes(8, "big"))
        state.update(encoded)
    return state.hexdigest()


@dataclass(frozen=True, slots=True)
class Digester:
    """Digests of Kubernetes objects; holds the installation key and never shows it."""

    key: bytes = field(repr=False)

    def digest(self, group: str, kind: str, value: Mapping[str, Any]) -> str:
        """The digest of (a projection of) an object; keyed when the object is a Secret."""
        return self.digest_content(group, kind, canonical(value))

    def digest_content(self, group: str, kind: str, content: bytes) -> str:
        """The same of what is canonical already."""
        if group == "" and kind == "Secret":
            return hmac.new(self.key, content, hashlib.sha256).hexdigest()
        return digest_bytes(content)
