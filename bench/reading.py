"""Figures: requests and times from audit logs, CPU and memory from the operating system."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import orjson

_TICKS = os.sysconf("SC_CLK_TCK")
_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_PROBED = frozenset({"/version", "/healthz", "/livez", "/readyz"})


class Sort(StrEnum):
    """What a request was for, as far as the rows tell requests apart."""

    WRITE = "write"
    LIST = "list"
    WATCH = "watch"
    PROBE = "probe"
    DISCOVERY = "discovery"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Request:
    """One answered request of the audit log of one cluster; `path` holds its query too."""

    cluster: str
    user: str
    verb: str
    path: str
    resource: str
    namespace: str
    name: str
    code: int
    received: datetime
    answered: datetime

    @property
    def sort(self) -> Sort:
        """Reading kube-system is a probe: its uid is who the cluster is."""
        if self.verb in _WRITES:
            return Sort.WRITE
        if self.verb in (Sort.LIST, Sort.WATCH):
            return Sort(self.verb)
        if (self.resource, self.name) == ("namespaces", "kube-system"):
            return Sort.PROBE
        if self.resource:
            return Sort.READ
        return Sort.PROBE if self.path.partition("?")[0] in _PROBED else Sort.DISCOVERY

    @property
    def has_written(self) -> bool:
        """Whether it was a write, and the server did it."""
        return self.sort is Sort.WRITE and self.code in (200, 201) and not self.is_dry_run

    @property
    def is_dry_run(self) -> bool:
        """Whether the server was asked to change nothing."""
        return "dryRun=" in self.path

    @property
    def concerns_objects(self) -> bool:
        """Whether it is about single objects: not a watch, a page, a probe or discovery."""
        return self.sort in (Sort.WRITE, Sort.READ)

    @property
    def object(self) -> tuple[str, str, str, str]:
        """Which object it names, on which cluster."""
        return self.cluster, self.resource, self.namespace, self.name


class Tail:
    """What audit logs tell from now on: each `read` gives all requests since it was made."""

    def __init__(self, logs: Mapping[str, Path]) -> None:
        self._ends = {name: (log, log.stat().st_size) for name, log in logs.items()}
        self._found: list[Request] = []

    def read(self, user: str) -> list[Request]:
        """The requests of one user so far."""
        for name, (log, end) in self._ends.items():
            with log.open("rb") as lines:
                lines.seek(end)
                # The server may be in the middle of its last line.
                content = lines.read().rpartition(b"\n")
            self._ends[name] = (log, end + len(content[0]) + len(content[1]))
            self._found += (read_request(name, line) for line in content[0].splitlines())
        return [request for request in self._found if request.user == user]


def read_request(cluster: str, line: bytes) -> Request:
    """One line of an audit log."""
    event = orjson.loads(line)
    subject = event.get("objectRef") or {}
    return Request(
        cluster=cluster,
        user=event["user"].get("username", ""),
        verb=event["verb"],
        path=event["requestURI"],
        resource=subject.get("resource", ""),
        namespace=subject.get("namespace", ""),
        name=subject.get("name", ""),
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


def pss_bytes(pids: Iterable[int]) -> int:
    """Proportional set size: pages shared with others are counted in part (proc_pid_smaps(5))."""
    return _memory_bytes(pids, "Pss:")


def anonymous_bytes(pids: Iterable[int]) -> int:
    """What processes allocated themselves; unlike PSS, it does not move with other processes.

    The part of a mapped library that PSS counts follows how many others map it meanwhile.
    """
    return _memory_bytes(pids, "Anonymous:")


def _memory_bytes(pids: Iterable[int], kind: str) -> int:
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(kind):
                total += int(line.split()[1]) * 1024
    return total


def sockets(pid: int) -> int:
    """How many sockets a process has open."""
    links = (os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir())
    return sum(link.startswith("socket:") for link in links)


def family(pid: int) -> list[int]:
    """A process and its living descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found
