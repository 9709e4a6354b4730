"""The render memo: an application is rendered only when something that it reads has changed.

A *verifying trace*: an entry holds every look that the renderer took through the guard (files,
folders, links, what was not there, facts of the cluster) with the digests it saw, and the output.
The output is used again when every look would show the same. The shortcut needs one look-up: when
the application's folder has the digest that it had, only the looks outside the folder are left to
verify; so a commit that does not touch an application costs microseconds. Called by `desiring`;
output may hold Secrets and is never written to disk.
"""

from __future__ import annotations

import os
import posixpath
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import anyio

from shoal.engine import answers
from shoal.engine.choosing import choose_renderer, folder_root
from shoal.engine.facts import FactsOfCluster, NotedFacts
from shoal.engine.folders import DEFAULT_BUDGET, Budget, GuardedFolder
from shoal.engine.guarding import Guard
from shoal.engine.lanes import Lanes
from shoal.engine.remembering import Rendered, Shelf
from shoal.errors import (
    BudgetExceeded,
    InvalidManifest,
    InvalidSource,
    MissingFact,
    Permanent,
    UnsafePath,
)
from shoal.hooks.host import Host
from shoal.hooks.renderers import Renderer
from shoal.model.artifacts import Artifact
from shoal.model.choice import Choice, Spec
from shoal.model.digests import digest_value
from shoal.model.identity import Ref
from shoal.model.manifests import Manifest

# A render keeps a core busy: more of them at once only share what is there.
_FEWEST_AT_ONCE, _MOST_AT_ONCE = 2, 4
_SLOW_AT_ONCE = 4


# What the input alone decides. A missing program, for example, is permanent too, and not its fault.
_REMEMBERED = (BudgetExceeded, InvalidManifest, InvalidSource, MissingFact, UnsafePath)


class _Work(NamedTuple):
    """What is to be rendered, whatever the content and the cluster."""

    renderer: str
    version: str
    parameters: str
    path: str


class Rendering:
    """Renders through the memo. `hits` and `renders` count outcomes, for telemetry.

    As many at once as there are cores, two at least and four at most, unless `at_once` says so;
    beside them as many that turned out to be slow, four at most.
    """

    def __init__(
        self,
        guard: Guard | None = None,
        *,
        at_once: int | None = None,
        kept: int = 10_000,
        deadline_seconds: float = 60.0,
        budget: Budget = DEFAULT_BUDGET,
    ) -> None:
        self.hits = 0
        self.renders = 0
        self._guard = guard or Guard()
        self._kept = kept
        self._deadline_seconds = deadline_seconds
        self._budget = budget
        cores = min(max(os.cpu_count() or 1, _FEWEST_AT_ONCE), _MOST_AT_ONCE)
        slow = _SLOW_AT_ONCE if at_once is None else min(at_once, _SLOW_AT_ONCE)
        self._lanes = Lanes(at_once or cores, slow_at_once=slow)
        self._shelves: OrderedDict[tuple[Ref, _Work], Shelf] = OrderedDict()
        self._sources: dict[_Work, dict[Ref, None]] = {}
        self._flights: dict[Hashable, _Flight] = {}

    async def choose(
        self,
        renderers: Mapping[str, Renderer[Any]],
        choice: Choice | None,
        artifact: Artifact,
        path: str,
    ) -> tuple[Renderer[Any], Spec]:
        """The renderer that the document names, or else the one whose marker is in the folder.

        Raises InvalidSource when the folder is missing, or fits two renderers or none.
        """
        if choice is not None:
            return renderers[choice.name], choice.spec
        folder = GuardedFolder(artifact.tree, path, self._budget)
        await folder_root(folder, artifact, path)
        renderer = await choose_renderer(list(renderers.values()), folder, path)
        return renderer, renderer.spec()

    async def render(
        self,
        renderer: Renderer[Any],
        parameters: Spec,
        artifact: Artifact,
        path: str,
        facts: NotedFacts,
        host: Host,
    ) -> Rendered:
        """The objects of one folder for one cluster; the very same again while no input changed.

        `facts` notes what this render looks at, also when it fails. Equal work waits for one
        render. Raises InvalidSource for a missing folder, PluginFailed after the deadline, and
        whatever the renderer raises; what only another input can mend is remembered like an output.
        """
        work = _Work(
            renderer.name,
            renderer.version,
            digest_value(parameters.model_dump(mode="json")),
            path,
        )
        async with self._alone(await self._flight_of(artifact.source, work, facts.of)):
            folder = GuardedFolder(artifact.tree, path, self._budget)
            root = await folder_root(folder, artifact, path)
            entry = await self._remembered(artifact, work, root.name, root.digest, facts.of)
            if entry is not None:
                self.hits += 1
            else:
                subject = f"{path} of source {artifact.source}"
                call = partial(renderer.render, parameters, folder, facts, host)
                manifests, error = await self._outcome(renderer.name, subject, call)
                looks = _Looks(root.name, root.digest, folder.looks, facts.looks)
                entry = _rendered(looks, _located(manifests, root.name), error)
            self._remember(artifact.source, work, entry)
            if entry.error is not None:
                facts.remember(entry.facts)
                raise entry.error.with_traceback(None)
            return entry

    def try_again(self, source: Ref) -> None:
        """Render anew what failed of a source, though its inputs are the same: a person asked."""
        for (of, _), shelf in self._shelves.items():
            if of == source:
                shelf.drop_failures()

    def forget(self, source: Ref) -> None:
        """Drop what was rendered from a source that nobody reads any more."""
        for key in [key for key in self._shelves if key[0] == source]:
            self._drop(key)

    async def _outcome(
        self, renderer: str, subject: str, call: Callable[[], Awaitable[Sequence[Manifest]]]
    ) -> tuple[Sequence[Manifest], Permanent | None]:
        try:
            return await self._render(renderer, subject, call), None
        except _REMEMBERED as error:
            return (), error

    async def _render(
        self, renderer: str, subject: str, call: Callable[[], Awaitable[Sequence[Manifest]]]
    ) -> Sequence[Manifest]:
        async def work() -> Sequence[Manifest]:
            self.renders += 1
            return await self._guard.ask(
                "renderer",
                renderer,
                subject,
                call,
                seconds=self._deadline_seconds,
                answer=answers.manifests,
            )

        return await self._lanes.run(work)

    async def _remembered(
        self, artifact: Artifact, work: _Work, root: str, digest: str, facts: FactsOfCluster
    ) -> Rendered | None:
        shelf = self._shelves.get((artifact.source, work))
        own = await shelf.of(facts.digest) if shelf else []
        for entry in own:
            if await entry.is_of(artifact.tree, root, digest):
                return entry
        for entry in own:
            if await entry.would_see_the_same(artifact.tree, root):
                return replace(entry, digest=digest)
        for source in [each for each in self._sources.get(work, ()) if each != artifact.source]:
            for entry in await self._shelves[source, work].of(facts.digest):
                if await entry.is_of(artifact.tree, root, digest):
                    return entry
        return None

    def _remember(self, source: Ref, work: _Work, entry: Rendered) -> None:
        key = (source, work)
        self._shelves.setdefault(key, Shelf()).put(entry)
        self._shelves.move_to_end(key)
        self._sources.setdefault(work, {})[source] = None
        if len(self._shelves) > self._kept:
            self._drop(next(iter(self._shelves)))

    def _drop(self, key: tuple[Ref, _Work]) -> None:
        source, work = key
        del self._shelves[key]
        del self._sources[work][source]
        if not self._sources[work]:
            del self._sources[work]

    async def _flight_of(self, source: Ref, work: _Work, facts: FactsOfCluster) -> Hashable:
        """What waits for each other: the same work, for facts that are known to make no difference.

        As long as nobody knows which facts do, all clusters wait for the first render.
        """
        shelf = self._shelves.get((source, work))
        names = sorted(shelf.names) if shelf else ()
        return work, tuple([await facts.digest(name) for name in names])

    @asynccontextmanager
    async def _alone(self, work: Hashable) -> AsyncIterator[None]:
        flight = self._flights.setdefault(work, _Flight())
        flight.users += 1
        try:
            async with flight.lock:
                yield
        finally:
            flight.users -= 1
            if not flight.users:
                del self._flights[work]


@dataclass(slots=True)
class _Flight:
    """The lock of one piece of work, and how many hold or want it."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    users: int = 0


class _Looks(NamedTuple):
    """What one render saw."""

    root: str
    digest: str
    paths: Mapping[str, str]
    facts: Mapping[str, str]


def _rendered(looks: _Looks, manifests: tuple[Manifest, ...], error: Permanent | None) -> Rendered:
    below = f"{looks.root}/" if looks.root else ""
    outside = {
        path: noted
        for path, noted in looks.paths.items()
        if path != looks.root and not path.startswith(below)
    }
    return Rendered(
        looks.root, looks.digest, dict(looks.paths), outside, dict(looks.facts), manifests, error
    )


def _located(manifests: Sequence[Manifest], root: str) -> tuple[Manifest, ...]:
    """The manifests with their origins as paths in the source."""
    return tuple(
        each.moved(posixpath.normpath(posixpath.join(root, each.origin))) for each in manifests
    )
