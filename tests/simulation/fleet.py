"""The fleet's documents as the simulation has them, and what the controller has read of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import orjson
from tests.simulation.alerts import alerts_of
from tests.simulation.schedule import Scenario

from shoal.engine.fleet import FleetFiles
from shoal.errors import SourceUnavailable
from shoal.model.digests import digest_bytes, digest_parts

BROKEN = b"kind: [Application\n"
API_VERSION = "shoal.dev/v1alpha1"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the documents say at one time: clusters with their zones, and applications.

    `mutes` is of each Alert until which virtual second nothing is sent; 0 when it is not muted.
    """

    clusters: dict[str, str]
    applications: frozenset[str]
    zoned: frozenset[str]
    mutes: Mapping[str, float] = field(default_factory=dict[str, float])

    def is_placed(self, application: str, cluster: str) -> bool:
        """Whether an application belongs on a cluster."""
        return (
            application in self.applications
            and cluster in self.clusters
            and (application not in self.zoned or self.clusters[cluster] == "a")
        )


@dataclass
class Documents:
    """A fleet in Git. `seen` is what the controller that runs now has read, by time.

    `loaded` is what it goes by since it last recorded that; None: it has recorded nothing yet.
    `unplaced` says of an application and a cluster since when every look found it not placed there,
    `placed` the contrary. Once it `is_mended`, nobody waits for an application that is no more.
    """

    scenario: Scenario
    location: str = "memory"
    broken: set[str] = field(default_factory=set)
    is_unreadable: bool = False
    is_empty: bool = False
    seen: list[tuple[float, Declared]] = field(default_factory=list)
    loaded: Declared | None = None
    unplaced: dict[tuple[str, str], float] = field(default_factory=dict)
    placed: dict[tuple[str, str], float] = field(default_factory=dict)
    is_mended: bool = False

    def __post_init__(self) -> None:
        draw = self.scenario.stream("documents")
        self.zones = {name: draw.choice("aab") for name in self.scenario.clusters}
        self.removed: set[str] = set()
        names = self.scenario.applications
        self._zoned = frozenset(name for name in names if draw.random() < 0.4)
        self._policies = {name: _policy(draw) for name in names}
        self._gated = frozenset(name for name in names if draw.random() < 0.5)
        self.alerts = alerts_of(self.scenario)
        self.muted_until: dict[str, float] = {}

    def prunes_at_once(self, application: str) -> bool:
        """Whether its policy is AfterApply."""
        return self._policies[application].get("prune") == "AfterApply"

    def declared(self) -> Declared:
        """What they say now; a document that cannot be read says what it said before."""
        zones = {name: zone for name, zone in self.zones.items() if name not in self.removed}
        there = frozenset(self.scenario.applications) - self.removed
        mutes = {
            name: self.muted_until.get(name, 0.0)
            for name in self.scenario.alerts
            if name not in self.removed
        }
        return Declared(zones, there, self._zoned, mutes)

    def forget(self) -> None:
        """Another controller runs, which has read nothing yet."""
        self.seen.clear()
        self.loaded = None

    def were_loaded(self) -> None:
        """The controller has recorded that it goes by what it read last."""
        self.loaded = self.seen[-1][1] if self.seen else None

    def told_lately(self) -> Sequence[Declared]:
        """What it may go by just now: what it has loaded, and what it has read since."""
        lately = [declared for _, declared in self.seen[-2:]]
        return [self.loaded, *lately] if self.loaded is not None else lately

    async def read(self, previous: FleetFiles | None) -> FleetFiles | None:
        """The files, as a reader of Git gives them."""
        await anyio.sleep(0.05)
        if self.is_unreadable:
            raise SourceUnavailable("the fleet's repository gives no answer")
        files = {} if self.is_empty else self._files()
        digest = digest_parts(f"{file}:{digest_bytes(text)}" for file, text in files.items())
        if not self.is_empty:
            self._see(self._readable())
        if previous is not None and previous.digest == digest:
            return previous
        return FleetFiles(digest[:12], digest, files)

    def _readable(self) -> Declared:
        """What they say to who reads them now: a mute that cannot be read is as it was."""
        declared = self.declared()
        broken = self.broken & declared.mutes.keys()
        if not broken:
            return declared
        before = self.seen[-1][1].mutes if self.seen else {}
        kept = {name: before.get(name, 0.0) for name in sorted(broken)}
        return replace(declared, mutes={**declared.mutes, **kept})

    def _see(self, declared: Declared) -> None:
        now = anyio.current_time()
        self.seen.append((now, declared))
        for name in self.scenario.applications:
            for cluster in self.scenario.clusters:
                if declared.is_placed(name, cluster):
                    self.unplaced.pop((name, cluster), None)
                    self.placed.setdefault((name, cluster), now)
                else:
                    self.placed.pop((name, cluster), None)
                    self.unplaced.setdefault((name, cluster), now)

    def _files(self) -> dict[str, bytes]:
        declared = self.declared()
        files = {"fleet.yaml": _document("Fleet", "test")}
        for name, zone in declared.clusters.items():
            spec = {"access": {"fake": {"to": name}}}
            files[f"{name}.yaml"] = _document("Cluster", name, spec, {"zone": zone})
        for name in sorted(declared.applications):
            files[f"{name}.yaml"] = self._application(name, declared) + self._source(name)
        for name, until in declared.mutes.items():
            files[f"{name}.yaml"] = _document("Alert", name, self.alerts[name].spec(until))
        return {file: BROKEN if file[:-5] in self.broken else text for file, text in files.items()}

    def _application(self, name: str, declared: Declared) -> bytes:
        selector = {"matchLabels": {"zone": "a"}} if name in self._zoned else {}
        spec: dict[str, Any] = {
            "source": {"ref": name, "path": "app"},
            "placement": {"clusterSelector": selector},
            "sync": self._policies[name],
        }
        if name in self._gated:
            spec["gates"] = [{"asking": {}}]
        waits_for = self.scenario.waited_for_by(name)
        if self.is_mended:
            waits_for = [each for each in waits_for if each in declared.applications]
        if waits_for:
            spec["dependsOn"] = [{"application": each} for each in waits_for]
        return _document("Application", name, spec)

    def _source(self, name: str) -> bytes:
        return _document("Source", name, {"memory": {}, "interval": "30s"})


def _policy(draw: random.Random) -> dict[str, str]:
    policy: dict[str, str] = {}
    if draw.random() < 0.4:
        policy["prune"] = "AfterApply"
    validation = draw.choice(("OncePerVersion", "OncePerVersion", "Never", "Always"))
    return {**policy, "validation": validation}


def _document(kind: str, name: str, spec: Any = None, labels: Any = None) -> bytes:
    body: dict[str, Any] = {"apiVersion": API_VERSION, "kind": kind}
    body["metadata"] = {"name": name, **({"labels": labels} if labels else {})}
    if spec is not None:
        body["spec"] = spec
    return b"---\n" + orjson.dumps(body) + b"\n"
