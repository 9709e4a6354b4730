"""The render memo: an application is rendered only when something that it reads has changed.

A *verifying trace*: an entry holds every look that the renderer took through the guard (files,
folders, links, and what was not there) with the digests it saw, and the output. The output is used
again when every look would show the same. The shortcut needs one look-up: when the application's
folder has the digest that it had, only the looks outside the folder are left to verify; so a commit
that does not touch an application costs microseconds. Called by the loop of applications; output
may hold Secrets and is never written to disk.
"""

from __future__ import annotations

import posixpath
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import anyio

from shoal.engine.choosing import choose_renderer, folder_root
from shoal.engine.folders import DEFAULT_BUDGET, Budget, GuardedFolder, still_holds
from shoal.errors import PluginFailed
from shoal.hooks.host import Host
from shoal.hooks.renderers import Folder, Renderer
from shoal.model.artifacts import Artifact, Tree
from shoal.model.choice import Choice, Spec
from shoal.model.digests import digest_value
from shoal.model.identity import Ref
from shoal.model.manifests import Manifest

_KEPT_PER_PATH = 2  # while a revision is rolled out, the one before it is asked for as well


class _Work(NamedTuple):
    """What is to be rendered, whatever the content; works of one key wait for each other."""

    renderer: str
    version: str
    parameters: str
    path: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """One output and what it was made from. `outside` are the looks that left the folder."""

    root: str
    digest: str
    looks: Mapping[str, str]
    outside: Mapping[str, str]
    manifests: tuple[Manifest, ...] = field(repr=False)


class Rendering:
    """Renders through the memo. `hits` and `renders` count outcomes, for telemetry."""

    def __init__(
        self,
        *,
        at_once: int = 4,
        kept: int = 10_000,
        deadline_seconds: float = 60.0,
        budget: Budget = DEFAULT_BUDGET,
    ) -> None:
        self.hits = 0
        self.renders = 0
        self._kept = kept
        self._deadline_seconds = deadline_seconds
        self._budget = budget
        self._limiter = anyio.Semaphore(at_once)
        self._entries: OrderedDict[tuple[Ref, _Work], list[_Entry]] = OrderedDict()
        self._sources: dict[_Work, dict[Ref, None]] = {}
        self._flights: dict[_Work, _Flight] = {}

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
        host: Host,
    ) -> Sequence[Manifest]:
        """The objects of one folder; the very same sequence again while nothing it read changed.

        Equal work waits for one render. Raises InvalidSource for a missing folder, PluginFailed
        after the deadline, and whatever the renderer raises; failures are not remembered.
        """
        work = _Work(
            renderer.name,
            renderer.version,
            digest_value(parameters.model_dump(mode="json")),
            path,
        )
        async with self._alone(work):
            folder = GuardedFolder(artifact.tree, path, self._budget)
            root = await folder_root(folder, artifact, path)
            entry = await self._remembered(artifact, work, root.name, root.digest)
            if entry is not None:
                self.hits += 1
            else:
                manifests = await self._render(renderer, parameters, folder, host)
                entry = _entry(root.name, root.digest, folder.looks, _located(manifests, root.name))
            self._remember(artifact.source, work, entry)
            return entry.manifests

    def forget(self, source: Ref) -> None:
        """Drop what was rendered from a source that nobody reads any more."""
        for key in [key for key in self._entries if key[0] == source]:
            self._drop(key)

    async def _render(
        self, renderer: Renderer[Any], parameters: Spec, folder: Folder, host: Host
    ) -> Sequence[Manifest]:
        async with self._limiter:
            self.renders += 1
            try:
                with anyio.fail_after(self._deadline_seconds):
                    return await renderer.render(parameters, folder, host)
            except TimeoutError as error:
                raise PluginFailed(
                    f"renderer {renderer.name} took longer than {self._deadline_seconds:g} s"
                ) from error

    async def _remembered(
        self, artifact: Artifact, work: _Work, root: str, digest: str
    ) -> _Entry | None:
        own = tuple(self._entries.get((artifact.source, work), ()))
        for entry in own:
            if await _shows_the_same(entry, artifact.tree, root, digest):
                return entry
        for entry in own:
            if entry.root == root and await still_holds(artifact.tree, entry.looks):
                return replace(entry, digest=digest)
        for entry in self._of_other_sources(artifact.source, work):
            if await _shows_the_same(entry, artifact.tree, root, digest):
                return entry
        return None

    def _of_other_sources(self, source: Ref, work: _Work) -> list[_Entry]:
        others = [each for each in self._sources.get(work, ()) if each != source]
        return [entry for each in others for entry in self._entries[each, work]]

    def _remember(self, source: Ref, work: _Work, entry: _Entry) -> None:
        key = (source, work)
        older = [
            each for each in self._entries.get(key, []) if each.manifests is not entry.manifests
        ]
        self._entries[key] = [entry, *older][:_KEPT_PER_PATH]
        self._entries.move_to_end(key)
        self._sources.setdefault(work, {})[source] = None
        if len(self._entries) > self._kept:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: tuple[Ref, _Work]) -> None:
        source, work = key
        del self._entries[key]
        del self._sources[work][source]
        if not self._sources[work]:
            del self._sources[work]

    @asynccontextmanager
    async def _alone(self, work: _Work) -> AsyncIterator[None]:
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
    """The lock of one work, and how many hold or want it."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    users: int = 0


async def _shows_the_same(entry: _Entry, tree: Tree, root: str, digest: str) -> bool:
    is_same = entry.root == root and entry.digest == digest
    return is_same and await still_holds(tree, entry.outside)


def _entry(
    root: str, digest: str, looks: Mapping[str, str], manifests: tuple[Manifest, ...]
) -> _Entry:
    below = f"{root}/" if root else ""
    outside = {
        path: noted for path, noted in looks.items() if path != root and not path.startswith(below)
    }
    return _Entry(root, digest, dict(looks), outside, manifests)


def _located(manifests: Sequence[Manifest], root: str) -> tuple[Manifest, ...]:
    """The manifests with their origins as paths in the source."""
    return tuple(
        each.moved(posixpath.normpath(posixpath.join(root, each.origin))) for each in manifests
    )
