"""Reads the audit log of a local control plane: who asked what of the API server.

The log is the only witness that is not ours, so tests and the benchmark count requests here. An
entry is written when the request has been answered, a moment after the client has the answer; a
watch has its entry when it ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson
from anyio import to_thread

# Bodies cost more than the requests themselves; what was asked is enough to count.
POLICY = b"""\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
  - level: Metadata
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request that was answered; `path` is the request's address with its query."""

    user: str
    verb: str
    path: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int


async def read_audit_log(path: Path, *, since: int = 0) -> list[Entry]:
    """The entries behind byte `since` (see `audit_position`), oldest first."""
    return await to_thread.run_sync(_read, path, since)


async def audit_position(path: Path) -> int:
    """Where the log ends now; what is read from here on came later."""
    return await to_thread.run_sync(_size, path)


def count_requests(entries: Iterable[Entry]) -> Counter[tuple[str, str]]:
    """How many requests there were, by user and verb."""
    return Counter((entry.user, entry.verb) for entry in entries)


def _read(path: Path, since: int) -> list[Entry]:
    if not path.exists():
        return []
    with path.open("rb") as log:
        log.seek(since)
        # The server may be in the middle of its last line.
        return [_entry(line) for line in log if line.endswith(b"\n")]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _entry(line: bytes) -> Entry:
    event = orjson.loads(line)
    subject = event.get("objectRef") or {}
    return Entry(
        user=event["user"].get("username", ""),
        verb=event["verb"],
        path=event["requestURI"],
        resource=subject.get("resource", ""),
        subresource=subject.get("subresource", ""),
        namespace=subject.get("namespace", ""),
        name=subject.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
    )
