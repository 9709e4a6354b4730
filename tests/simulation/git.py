"""Git as the simulation has it: per application a history, and what each revision says.

This is the truth that the invariants are held against: which object a revision wants, and which
not.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import orjson
from tests.engine.fakes import MemorySpec

from shoal.errors import AccessDenied, InvalidSource, ShoalError, SourceUnavailable
from shoal.hooks.host import Host
from shoal.model.artifacts import Artifact, Provenance
from shoal.model.choice import Spec
from shoal.model.identity import ObjectKey, Ref
from shoal.model.trees import MemoryTree
from shoal.testing.fake_cluster import key_of

Body = dict[str, Any]
_KINDS = (("v1", "ConfigMap"),) * 5 + (("apps/v1", "Deployment"), ("v1", "Service"))


@dataclass
class History:
    """The revisions of one application's source, oldest first; `head` is the one that is out.

    `left` says when another revision than this was out for the first time since it was last.
    """

    name: str
    revisions: list[Mapping[str, Body]] = field(default_factory=lambda: [{}])
    head: int = 0
    left: dict[str, float] = field(default_factory=dict)

    @property
    def revision(self) -> str:
        """What the head is called."""
        return f"{self.name}-{self.head}"

    def content(self, revision: str) -> Mapping[ObjectKey, Body] | None:
        """What a revision wants; None when there is no such revision."""
        name, _, number = revision.rpartition("-")
        if name != self.name or not number.isdigit() or int(number) >= len(self.revisions):
            return None
        bodies = self.revisions[int(number)].values()
        return {key_of(body): body for body in bodies if "metadata" in body}

    def wanted(self) -> Mapping[ObjectKey, Body]:
        """What the head wants."""
        found = self.content(self.revision)
        assert found is not None
        return found

    def commit(self, files: Mapping[str, Body]) -> None:
        """A new head."""
        self.revisions.append(files)
        self.move_to(len(self.revisions) - 1)

    def move_to(self, head: int) -> None:
        """Another revision is out."""
        self.left[self.revision] = anyio.current_time()
        self.head = head
        self.left.pop(self.revision, None)

    def commit_at_random(self, draw: random.Random) -> str:
        """A commit as people make them; says what it was."""
        files, number = dict(self.revisions[self.head]), len(self.revisions)
        if not files:
            for index in range(draw.randint(2, 9)):
                _add(files, f"{self.name}-{number}-{index}", number, draw)
            self.commit(files)
            return "begun"
        what = draw.choices(
            ("edit", "add", "remove", "replace", "shrink", "empty", "break", "nothing"),
            (8, 4, 4, 2, 1, 0.5, 1, 1),
        )[0]
        names = sorted(files)
        match what:
            case "edit":
                for name in draw.sample(names, draw.randint(1, len(names))):
                    files[name] = _edited(files[name], number)
            case "add":
                for index in range(draw.randint(1, 4)):
                    _add(files, f"{self.name}-{number}-{index}", number, draw)
            case "remove":
                for name in draw.sample(names, min(len(names), draw.choice((1, 1, 2, 3)))):
                    del files[name]
            case "replace":
                del files[draw.choice(names)]
                for index in range(draw.randint(1, 3)):
                    _add(files, f"{self.name}-{number}-{index}", number, draw)
            case "shrink":
                for name in names[: len(names) * 2 // 3]:
                    del files[name]
            case "empty":
                files = {}
            case "break":
                files["broken.json"] = {"broken": number}
        if what != "break":
            files.pop("broken.json", None)
        self.commit(files)
        return what

    def mend(self) -> None:
        """Commit what is out without what cannot be rendered."""
        files = self.revisions[self.head]
        if "broken.json" in files or not files:
            kept = {name: body for name, body in files.items() if name != "broken.json"}
            if not kept:
                _add(kept, f"{self.name}-last", len(self.revisions), random.Random(0))
            self.commit(kept)


def _add(files: dict[str, Body], name: str, number: int, draw: random.Random) -> None:
    api_version, kind = draw.choice(_KINDS)
    metadata: Body = {"name": name, "namespace": "default"}
    if draw.random() < 0.15:
        metadata["annotations"] = {"shoal.dev/wave": str(draw.choice((-1, 1, 2)))}
    files[f"{name}.json"] = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": metadata,
        "data": {"v": str(number)},
    }


def _edited(body: Body, number: int) -> Body:
    return body if "broken" in body else {**body, "data": {"v": str(number)}}


class Git:
    """The source type of the simulation: one history per application."""

    name = "memory"
    spec: type[Spec] = MemorySpec

    def __init__(self, applications: tuple[str, ...], delays: random.Random) -> None:
        self.histories = {name: History(name) for name in applications}
        self.failing: dict[str, ShoalError] = {}
        self.stalled: set[str] = set()
        self._delays = delays

    def at(self, spec: MemorySpec, revision: str) -> list[MemorySpec]:
        """No other revision is ever asked for here."""
        return []

    async def fetch(
        self, source: Ref, spec: MemorySpec, previous: Artifact | None, host: Host
    ) -> Artifact:
        """What is out now, a while later; it may have moved on by then."""
        history = self.histories[source.name]
        revision, files = history.revision, history.revisions[history.head]
        await anyio.sleep(self._delays.choice((0.05, 0.3, 2.0)))
        while source.name in self.stalled:
            await anyio.sleep(5)
        if source.name in self.failing:
            raise self.failing[source.name]
        if previous is not None and previous.revision == revision:
            return previous
        paths = {f"app/{name}": orjson.dumps(body) for name, body in files.items()}
        tree = MemoryTree({**paths, "app/readme.txt": "no manifest"})
        made = Provenance(author="ann", subject=f"make it {revision}")
        return Artifact(source, revision, tree.digest, tree, made)


ERRORS: tuple[ShoalError, ...] = (
    SourceUnavailable("the forge gives no answer"),
    InvalidSource("there is no such branch"),
    AccessDenied("the forge refused the credential"),
)
