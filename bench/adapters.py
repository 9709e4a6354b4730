"""The seam: what a controller must do to be measured, and what more it may be able to do.

An adapter is a class that stands for one controller on this machine; `python -m bench` is told of
it by `--controller MODULE:CLASS`. Each family of rows makes instances of it, each with an
`Assignment` of its own: clusters, a repository, a folder. `bench.controller` is Shoal's, and
`bench.bare` the simplest there is. Nothing is asked of an adapter that it does not offer, and rows
that need it are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol

from bench.traces import Collector
from bench.workload import Size
from shoal_clusters.controlplane.apiserver import ControlPlane


class Offer(StrEnum):
    """What a controller may be able to do beside applying what is in Git."""

    HEALING = "healing"  # undoes by itself what others do to its objects
    PRUNING = "pruning"  # deletes what left Git: `approve_all`
    STATE = "state"  # knows after a restart what it has done, and may lose that: `forget`
    FULL_CHECK = "full check"  # compares everything when it is told to: `check_everything`
    JOINING = "joining"  # takes more clusters while it runs: `join`
    VERSION = "version"  # has a command that prints its version and ends: `version_command`
    REACTIONS = "reactions"  # exports how soon a correction departs: `reactions`
    TEMPLATES = "templates"  # renders charts and kustomizations
    RECORD = "record"  # can write `Assignment.record`


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one instance works on.

    The repository's branch `main` has one folder per application (`workload.application_names` of
    `size`), with one object per file, each with its namespace, which exists on every cluster. All
    of it belongs on each of `clusters`. Where `Offer.TEMPLATES` is offered, a folder may also hold
    a chart or a kustomization. Nothing there ever becomes healthy: there are no nodes.
    """

    # What it writes goes below this folder, and is there again when it is started again.
    folder: Path
    clusters: Mapping[str, ControlPlane]
    size: Size
    repository_url: str
    # To be added to that of its process: where traces are exported to.
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    # Given only where `Offer.RECORD` is offered. When it ends it writes JSON there: `lags` (pairs
    # of a time and how many seconds a tick of its loop came late), `held` and `samples` (pairs of
    # a time and a stack, innermost first), `renders` (times); all times are since the epoch.
    record: Path | None = None
    # `samples` are wanted, and nothing else that costs.
    is_profiled: bool = False


def addresses(clusters: Mapping[str, ControlPlane], user: str) -> list[dict[str, str | None]]:
    """How a process of its own reaches these clusters as `user`; `floor.connect` reads it."""
    return [
        {
            "server": cluster.server,
            "token": cluster.access(user).token,
            "ca_file": str(cluster.ca_file),
        }
        for cluster in clusters.values()
    ]


class NotOfferedError(Exception):
    """An adapter offers what it has no method for."""


class Adapter(Protocol):
    """One controller on this machine; inherit from it to leave out what is not offered.

    It reaches the clusters as `user` (`ControlPlane.access`, or the file `kubeconfig-<user>` in the
    cluster's folder), is an administrator there, and whatever it asks of them is counted by that
    name in their audit logs. All waits end with an exception after a time of its own choice.
    """

    user: ClassVar[str]
    offers: ClassVar[frozenset[Offer]]

    def __init__(self, assignment: Assignment) -> None: ...

    @property
    def pids(self) -> Sequence[int]:
        """Its own process first, then all that work for it; only while it runs.

        CPU is the kernel's count of these and of their children that have ended.
        """
        ...

    async def start(self) -> None:
        """Start, and return when it is connected everywhere and all of Git is on all clusters."""

    async def stop(self) -> None:
        """End as it would for a person; idempotent, and shielded from cancellation."""

    async def announce(self) -> None:
        """Tell of a push, as a forge does; it may return before anything is done about it."""

    async def until_seen(self, revision: str) -> None:
        """Wait until it has read this commit of `main`, which may ask nothing of the clusters."""

    async def approve_all(self) -> None:
        """Release deletions that wait for a person, if any; asked about once in a second."""
        raise NotOfferedError(Offer.PRUNING)

    def forget(self) -> None:
        """While it is stopped: lose what it knows of the clusters, and keep what it has of Git."""
        raise NotOfferedError(Offer.STATE)

    def check_everything(self) -> None:
        """Have it list every kind on every cluster, and return at once."""
        raise NotOfferedError(Offer.FULL_CHECK)

    async def join(self, clusters: Mapping[str, ControlPlane]) -> None:
        """These are its clusters now, those it had among them; return when all is applied."""
        raise NotOfferedError(Offer.JOINING)

    def reactions(self, traces: Collector) -> list[float]:
        """Of every correction, oldest first: seconds from hearing of a change to sending."""
        raise NotOfferedError(Offer.REACTIONS)

    @classmethod
    def version_command(cls) -> Sequence[str]:
        """The command line that prints its version."""
        raise NotOfferedError(Offer.VERSION)
