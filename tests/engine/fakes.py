"""Fakes for the seams of the engine: a store, access, a source, a renderer, a fleet's documents.

None of them uses a thread, so that virtual time may be handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import anyio
import orjson
from sqlalchemy import RowMapping

from shoal.engine.fleet import FleetFiles
from shoal.errors import InvalidSource, ShoalError, StoreUnavailable
from shoal.hooks.gates import Proposal
from shoal.hooks.host import Host
from shoal.hooks.renderers import ANY_FOLDER, ClusterFacts, Folder, ValuedSpec
from shoal.model.alerts import Batch
from shoal.model.artifacts import Ancestor, Artifact, Provenance
from shoal.model.choice import Spec
from shoal.model.digests import digest_bytes, digest_parts
from shoal.model.endpoints import Credential, Endpoint
from shoal.model.facts import references, substituted
from shoal.model.identity import Ref, TargetKey
from shoal.model.manifests import Manifest
from shoal.model.records import Deed, Entry, Intent, Record
from shoal.model.trees import MemoryTree
from shoal.store import Change, encoding, tables
from shoal.testing import memory_store


class MemoryStore(memory_store.MemoryStore):
    """What the engine wrote, and a disk that may be full, or only for some changes."""

    no_room_for: tuple[type, ...] = ()

    async def write(self, *changes: Change) -> Sequence[Record]:
        if any(isinstance(each, self.no_room_for) for each in changes):
            raise StoreUnavailable("the disk is full")
        return await super().write(*changes)

    @property
    def intents(self) -> Mapping[TargetKey, Intent]:
        rows = self.disk.rows.get(tables.intents.name, {}).values()
        found = [encoding.read_intent(cast(RowMapping, row)) for row in rows]
        return {intent.target: intent for intent in found}

    @property
    def entries(self) -> Sequence[Entry]:
        return [record.entry for record in self.disk.records]

    @property
    def is_full(self) -> bool:
        return bool(self.trouble)

    @is_full.setter
    def is_full(self, is_full: bool) -> None:
        self.trouble = "the disk is full" if is_full else ""

    def recorded(self, deed: Deed) -> list[Entry]:
        return [entry for entry in self.entries if entry.what is deed]


class AccessSpec(Spec):
    """`to` names the place where the cluster is said to be."""

    to: str = ""


@dataclass
class FakeAccess:
    """Leads everywhere; places in `broken` and `hanging` do what these say."""

    name: str = "fake"
    spec: type[Spec] = AccessSpec
    broken: set[str] = field(default_factory=set)
    hanging: set[str] = field(default_factory=set)
    tokens: dict[str, str] = field(default_factory=dict)
    expiries: dict[str, datetime] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    connected: list[str] = field(default_factory=list)

    async def connect(self, spec: AccessSpec, host: Host) -> Endpoint:
        self.connected.append(spec.to)
        if spec.to in self.broken:
            raise ZeroDivisionError
        if spec.to in self.hanging:
            await anyio.sleep_forever()

        async def credential() -> Credential:
            if spec.to in self.unreadable:
                raise ZeroDivisionError
            token, ends = self.tokens.get(spec.to, "a token"), self.expiries.get(spec.to)
            return Credential(token=token, expires_at=ends)

        return Endpoint(server=f"https://{spec.to}.invalid", credential=credential)


class NoSpec(Spec):
    """Nothing to say."""


class MemorySpec(Spec):
    """`at` is a revision other than the newest."""

    at: str = ""


@dataclass
class FakeSource:
    """One tree of JSON manifests; `commit` makes it another one, `branches` are others by name."""

    name: str = "memory"
    spec: type[Spec] = MemorySpec
    files: dict[str, Any] = field(default_factory=dict)
    revision: int = 0
    provenance: Provenance = field(default_factory=Provenance)
    branches: dict[str, dict[str, Any]] = field(default_factory=dict)
    past: dict[str, Ancestor | ShoalError] = field(default_factory=dict)

    async def ancestor(
        self, spec: MemorySpec, name: str, revisions: Sequence[str], host: Host
    ) -> Ancestor | None:
        found = self.past.get(name)
        if isinstance(found, ShoalError):
            raise found
        return found

    def at(self, spec: MemorySpec, revision: str) -> Sequence[MemorySpec]:
        return [MemorySpec(at=f"refs/{revision}"), MemorySpec(at=revision)]

    def commit(self, **manifests: Any) -> str:
        """Replace the manifests by name, as `<application>/<name>.json`; the new revision."""
        self.revision += 1
        self.files = {f"{name.replace('__', '/')}.json": body for name, body in manifests.items()}
        return str(self.revision)

    async def fetch(
        self, source: Ref, spec: MemorySpec, previous: Artifact | None, host: Host
    ) -> Artifact:
        if spec.at:
            if spec.at not in self.branches:
                raise InvalidSource(f"there is no branch {spec.at}")
            return self._artifact(source, spec.at, self.branches[spec.at])
        if previous is not None and previous.revision == str(self.revision):
            return previous
        return self._artifact(source, str(self.revision), self.files)

    def _artifact(self, source: Ref, revision: str, files: dict[str, Any]) -> Artifact:
        tree = MemoryTree({path: orjson.dumps(body) for path, body in files.items()})
        return Artifact(source, revision, tree.digest, tree, self.provenance)


class ValuesSpec(ValuedSpec):
    """What the fake renderer takes."""


@dataclass
class FakeRenderer:
    """Every file is one manifest; `${cluster.…}` in it is a fact. `calls` counts."""

    name = "json"
    version = "1"
    spec: type[Spec] = ValuesSpec
    markers: tuple[str, ...] = (ANY_FOLDER,)
    calls: int = 0
    error: ShoalError | None = None

    async def render(
        self, parameters: ValuesSpec, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        self.calls += 1
        if self.error is not None:
            raise self.error
        made: list[Manifest] = []
        for entry in await folder.list(""):
            body = orjson.loads(await folder.read(entry.name))
            found = {name: await facts.look(name) for name in sorted(references(body))}
            body = substituted(body, found.__getitem__)
            if parameters.values:
                body["data"] = {**body.get("data", {}), **parameters.values}
            made.append(Manifest(body, entry.name))
        return made


@dataclass
class SlowRenderer(FakeRenderer):
    """Waits for `gate` where there is a file slow.json; fails where there is a broken.json."""

    gate: anyio.Event = field(default_factory=anyio.Event)

    async def render(
        self, parameters: ValuesSpec, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        names = {entry.name for entry in await folder.list("")}
        if "slow.json" in names:
            await self.gate.wait()
        if "broken.json" in names:
            raise InvalidSource("it is broken")
        return await super().render(parameters, folder, facts, host)


@dataclass
class FakeGate:
    """Refuses while `refuses` gives a reason; `asked` are the proposals."""

    name: str = "asking"
    spec: type[Spec] = NoSpec
    refuses: Callable[[Proposal], str | None] = lambda proposal: None
    asked: list[Proposal] = field(default_factory=list)

    async def evaluate(self, spec: NoSpec, proposal: Proposal, host: Host) -> str | None:
        self.asked.append(proposal)
        return self.refuses(proposal)


class NotingSpec(Spec):
    """`to` names a place that may be away."""

    to: str = ""


@dataclass
class FakeNotifier:
    """Takes batches, while `trouble` gives no error; `tried` are all, `sent` those that arrived.

    Each takes `seconds`.
    """

    name: str = "noting"
    spec: type[Spec] = NotingSpec
    trouble: Callable[[NotingSpec, Batch], BaseException | None] = lambda spec, batch: None
    tried: list[Batch] = field(default_factory=list)
    sent: list[Batch] = field(default_factory=list)
    seconds: float = 0.0

    async def send(self, spec: NotingSpec, batch: Batch, host: Host) -> None:
        self.tried.append(batch)
        await anyio.sleep(self.seconds)
        if (error := self.trouble(spec, batch)) is not None:
            raise error
        self.sent.append(batch)

    @property
    def titles(self) -> list[str]:
        return [batch.title for batch in self.sent]


@dataclass
class Documents:
    """A fleet's documents in memory: file → text; `error` is why they cannot be read."""

    files: dict[str, bytes] = field(default_factory=dict)
    location: str = "memory"
    error: ShoalError | None = None

    def write(self, kind: str, name: str, spec: Any = None, **metadata: Any) -> None:
        body: dict[str, Any] = {"apiVersion": "shoal.dev/v1alpha1", "kind": kind}
        body["metadata"] = {"name": name, **metadata}
        if spec is not None:
            body["spec"] = spec
        self.files[f"{kind}-{name}.yaml"] = orjson.dumps(body)

    async def read(self, previous: FleetFiles | None) -> FleetFiles:
        if self.error is not None:
            raise self.error
        digest = digest_parts(f"{file}:{digest_bytes(text)}" for file, text in self.files.items())
        if previous is not None and previous.digest == digest:
            return previous
        return FleetFiles(digest, digest, dict(self.files))
