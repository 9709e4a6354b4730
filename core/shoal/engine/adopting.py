"""What to commit so that a drift is none any more: the answer of `shoal drift adopt`.

What is live is read now, on each cluster that has the drift, and told as an entry of the
application's `overrides`, once for the clusters on which it is the same. Nothing is changed, in no
cluster and in no repository. What would show a secret is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from shoal.documents import Catalog
from shoal.engine import answers
from shoal.engine.belonging import belongs_on
from shoal.engine.comparing import silent_clusters
from shoal.engine.drifts import Found
from shoal.engine.guarding import Guard
from shoal.engine.state import EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.views.changes import AdoptionsView, AdoptionView
from shoal.errors import ShoalError
from shoal.model.digests import digest_value
from shoal.model.documents import Application
from shoal.model.identity import ObjectKey, TargetKey
from shoal.model.plans import EMPTY
from shoal.model.sightings import DriftKind
from shoal.planning.adopting import exclusion_of, override_for, why_not
from shoal.planning.suggesting import cluster_selector

READ_SECONDS = 20.0


@dataclass(slots=True)
class _Live:
    """The same difference, on some clusters; `patch` None: the object is gone there."""

    key: ObjectKey
    patch: Sequence[Mapping[str, Any]] | None
    first: TargetState
    clusters: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Adopting:
    """Finds out what Git would have to say."""

    state: EngineState
    guard: Guard

    async def adopt(
        self, catalog: Catalog, document: Application, drifts: Sequence[Found]
    ) -> AdoptionsView:
        """What to commit for these drifts; clusters that cannot be asked are named."""
        live: dict[str, _Live] = {}
        silent: dict[str, ShoalError] = {}
        by_target: dict[TargetKey, list[Found]] = {}
        for found in drifts:
            by_target.setdefault(found.target.key, []).append(found)
        async with anyio.create_task_group() as tasks:
            for founds in by_target.values():
                tasks.start_soon(self._look, founds, live, silent)
        labels = {
            name: catalog.clusters[name].metadata.labels
            for name in belongs_on(self.state, document, catalog.clusters)
        }
        views = [_view(each, labels) for each in live.values()]
        return AdoptionsView(
            namespace=document.ref.namespace,
            application=document.ref.name,
            adoptions=sorted(views, key=lambda view: (view.object, view.clusters)),
            unanswered=silent_clusters(silent),
        )

    async def _look(
        self, founds: Sequence[Found], live: dict[str, _Live], silent: dict[str, ShoalError]
    ) -> None:
        """Read what is live on one cluster."""
        target = founds[0].target
        gone = {found.key for found in founds if found.drift.kind is DriftKind.MISSING}
        asked = frozenset(found.key for found in founds) - gone
        try:
            patches = await self._read(target, asked) if asked else {}
        except ShoalError as error:
            silent[target.key.cluster] = error
            return
        known = {**dict.fromkeys(sorted(gone)), **patches}
        for key, patch in known.items():
            if patch is None or patch:
                name = digest_value([key.text, patch if patch is None else list(patch)])
                live.setdefault(name, _Live(key, patch, target)).clusters.append(target.key.cluster)

    async def _read(
        self, target: TargetState, keys: frozenset[ObjectKey]
    ) -> Mapping[ObjectKey, Sequence[Mapping[str, Any]]]:
        session = self.state.session(target.key.cluster)
        return await self.guard.ask(
            "target",
            "differences",
            str(target.key),
            lambda: session.differences(target.key, keys),
            seconds=READ_SECONDS,
            answer=answers.differences,
        )


def _view(live: _Live, labels: Mapping[str, Mapping[str, str]]) -> AdoptionView:
    clusters = sorted(live.clusters)
    entry, refused = _advice(live, clusters, labels)
    return AdoptionView(
        object=str(live.key),
        clusters=clusters,
        everywhere=set(clusters) == labels.keys(),
        origin=_origin(live),
        patch=live.patch or (),
        override=entry,
        refused=refused,
    )


def _advice(
    live: _Live, clusters: Sequence[str], labels: Mapping[str, Mapping[str, str]]
) -> tuple[Mapping[str, Any], str]:
    """The override, or why there is none."""
    desired = live.first.desired
    refused = "" if live.patch is None else why_not(live.key, live.patch)
    if refused:
        return {}, refused
    selector = cluster_selector(clusters, labels) if labels.keys() >= set(clusters) else None
    if selector is None:
        return {}, (
            "no labels tell these clusters from the others: give them one of their own, or commit "
            "the change for all"
        )
    content = desired.content if desired else EMPTY
    if live.patch is None:
        entry = exclusion_of(live.key, selector, content)
    else:
        entry = override_for(live.key, live.patch, selector, content)
    return (entry, "") if entry else ({}, "no override says this: change the manifest")


def _origin(live: _Live) -> str:
    """Where the object stands in the source."""
    desired = live.first.desired
    manifest = desired.content.of(live.key) if desired else None
    return manifest.origin if manifest else ""
