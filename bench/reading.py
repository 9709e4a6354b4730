"""Figures: requests and times from audit logs, CPU from the operating system."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Request:
    """One answered request of an audit log."""

    user: str
    verb: str
    namespace: str
    code: int
    received: datetime
    answered: datetime

    @property
    def is_write(self) -> bool:
        """Whether it could change anything."""
        return self.verb in ("create", "update", "patch", "delete", "deletecollection")


def read_requests(log: Path, since: int) -> list[Request]:
    """All whole lines behind byte `since`."""
    with log.open("rb") as lines:
        lines.seek(since)
        return [_request(line) for line in lines if line.endswith(b"\n")]


def _request(line: bytes) -> Request:
    event = orjson.loads(line)
    return Request(
        user=event["user"].get("username", ""),
        verb=event["verb"],
        namespace=(event.get("objectRef") or {}).get("namespace", ""),
        code=(event.get("responseStatus") or {}).get("code", 0),
        received=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        answered=datetime.fromisoformat(event["stageTimestamp"]),
    )


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system CPU so far of these processes and of their children that have ended.

    The fields are those of proc_pid_stat(5): utime, stime, cutime, cstime.
    """
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(field) for field in fields[11:15])
    return total / _TICKS


def family(pid: int) -> list[int]:
    """A process and its living descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def median(values: Sequence[float]) -> float:
    """The middle value; the mean of both middle ones where their number is even."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
