"""What would change on every cluster, by a dry run of its API server: the answer of `shoal diff`.

The steps are those of the loops: the source is fetched, the application placed, rendered and
overridden with the facts of each cluster, and planned by the cluster's session. Nothing is written,
granted or remembered; a diff that was asked for wakes nobody. A cluster that does not answer, or
not in time, is named: never is its silence taken for "no difference".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import anyio

from shoal.documents import Catalog
from shoal.engine import answers
from shoal.engine.belonging import belongs_on
from shoal.engine.comparing import Comparison
from shoal.engine.desiring import Desiring
from shoal.engine.fleet import FETCH_SECONDS
from shoal.engine.guarding import Guard
from shoal.engine.rendering import Rendering
from shoal.engine.sent_files import SentFiles, SentTree, sent_artifact
from shoal.engine.state import ApplicationState, EngineState, SourceState
from shoal.engine.views.changes import DiffView, MissingFiles
from shoal.errors import (
    ClusterNotConnected,
    ClusterUnreachable,
    InvalidSource,
    ShoalError,
)
from shoal.hooks.host import Host
from shoal.hooks.sources import RevisedSourceType, SourceType
from shoal.model.artifacts import Artifact
from shoal.model.choice import Spec
from shoal.model.documents import Application
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Action, Change, Content, Desired, Grant, Proof
from shoal.model.policies import AddedFieldsPolicy, DriftPolicy, SyncPolicy
from shoal.planning.overriding import desired_digest

_GRACE_SECONDS = 5.0  # a deadline of ours that comes after the one that the person was promised


class DiffRequest(NamedTuple):
    """What is compared with what is live: the source as it is now, a revision of it, or files.

    `clusters` None: all on which the application is placed. `seconds` is for the clusters' answers.
    """

    application: Ref
    who: str
    clusters: frozenset[str] | None = None
    revision: str = ""
    files: SentFiles | None = None
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Diffing:
    """Compares without changing anything."""

    state: EngineState
    desiring: Desiring
    types: Mapping[str, SourceType[Any]]
    hosts: Mapping[str, Host]
    guard: Guard

    async def diff(
        self, catalog: Catalog, document: Application, request: DiffRequest
    ) -> DiffView | MissingFiles:
        """What would change where; MissingFiles when more of the working copy is needed.

        Raises what keeps the whole application from being read or rendered.
        """
        sent = SentTree(request.files) if request.files is not None else None
        if sent is not None:
            artifact = sent_artifact(document.source_ref, sent)
        else:
            artifact = await self._fetch(catalog, document, request.revision)
        placed = self._placed(catalog, document, request)
        try:
            view = await self._compare(catalog, document, artifact, placed, request)
        except ShoalError:
            if sent is None or not sent.needed:
                raise
            return MissingFiles(sent.needed)
        return MissingFiles(sent.needed) if sent is not None and sent.needed else view

    def _placed(
        self, catalog: Catalog, document: Application, request: DiffRequest
    ) -> tuple[str, ...]:
        placed = belongs_on(self.state, document, catalog.clusters)
        return tuple(
            name for name in placed if request.clusters is None or name in request.clusters
        )

    async def _fetch(self, catalog: Catalog, document: Application, revision: str) -> Artifact:
        """The source as it is now, or a revision of it; what the loop knows stays as it is."""
        ref, spec = document.source_ref, catalog.source_of(document)
        name, known = spec.choice.name, self.state.sources.setdefault(ref, SourceState())
        host, source_type = self.hosts[name], self.types[name]
        errors: list[InvalidSource] = []
        for candidate in self._revisions(name, spec.choice.spec, revision):
            try:
                async with known.fetching:
                    return await self.guard.ask(
                        "source",
                        name,
                        str(ref),
                        partial(source_type.fetch, ref, candidate, known.artifact, host),
                        seconds=FETCH_SECONDS,
                        answer=answers.artifact,
                    )
            except InvalidSource as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        raise InvalidSource(
            f"source {ref} has no revision {revision}",
            next_step=next((each.next_step for each in errors if each.next_step), ""),
        )

    def _revisions(self, name: str, spec: Spec, revision: str) -> Sequence[Spec]:
        if not revision:
            return [spec]
        source_type = self.types[name]
        if not isinstance(source_type, RevisedSourceType):
            raise InvalidSource(
                f"sources of type {name} have no revisions that can be named",
                next_step="leave --rev out, or give --path DIR",
            )
        return self.guard.say(
            "source", name, name, lambda: source_type.at(spec, revision), answers.specs
        )

    async def _compare(
        self,
        catalog: Catalog,
        document: Application,
        artifact: Artifact,
        placed: tuple[str, ...],
        request: DiffRequest,
    ) -> DiffView:
        desiring = self.desiring
        if request.files is not None or request.revision:
            # What is only looked at takes no place from what clusters have.
            desiring = replace(desiring, rendering=Rendering(self.guard))
        known = ApplicationState(placed=placed)
        wishes = await desiring.desire(catalog, document, artifact, known)
        found = Comparison()
        for cluster, failure in wishes.failures.items():
            found.failed(cluster, failure.error)
        by_cluster = {
            cluster: self._desired(document, cluster, content, artifact.revision, request.who)
            for cluster, content in wishes.contents.items()
        }
        await self._plan_all(by_cluster, request.seconds, found)
        return found.view(document.ref, artifact.revision, placed)

    def _desired(
        self, document: Application, cluster: str, content: Content, revision: str, who: str
    ) -> Desired:
        key, policy, health = (
            TargetKey(document.ref, cluster),
            document.spec.sync,
            document.spec.health,
        )
        grant = Grant(key, revision, who, self.state.now())
        digest = desired_digest(content, policy, health)
        return Desired(key, grant, digest, content, _telling(policy), health)

    async def _plan_all(
        self, wanted: Mapping[str, Desired], seconds: float, found: Comparison
    ) -> None:
        """Ask all clusters at once; each has a limiter of its own, so none waits for another."""
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as tasks:
                for cluster, desired in wanted.items():
                    tasks.start_soon(self._plan, cluster, desired, seconds, found)
        for cluster in wanted.keys() - found.told:
            why = f"cluster {cluster} did not answer within {seconds:g} s"
            found.unanswered(cluster, ClusterUnreachable(why, next_step="give a longer --timeout"))

    async def _plan(
        self, cluster: str, desired: Desired, seconds: float, found: Comparison
    ) -> None:
        try:
            session = self.state.session(cluster)
            subject, longest = str(desired.target), seconds + _GRACE_SECONDS
            plan = await self.guard.ask(
                "target",
                "diff",
                subject,
                lambda: session.plan(desired, proof=Proof.DRY_RUN),
                seconds=longest,
                answer=answers.plan_for(desired),
            )
        except (ClusterUnreachable, ClusterNotConnected) as error:
            found.unanswered(cluster, error)
        except ShoalError as error:
            found.failed(cluster, error)
        else:
            changes = tuple(self._told(desired, change) for change in plan.changes)
            found.planned(cluster, replace(plan, changes=changes), desired)

    def _told(self, desired: Desired, change: Change) -> Change:
        if change.action is Action.CORRECT and self._is_reported(desired, change.key):
            return replace(change, cause=f"{change.cause}; it is only reported")
        return change

    def _is_reported(self, desired: Desired, key: ObjectKey) -> bool:
        """Whether this drift is told and left as it is."""
        catalog, target = self.state.catalog, self.state.targets.get(desired.target)
        document = catalog.applications.get(desired.target.application) if catalog else None
        drift = target.drifted.get(key) if target else None
        return (
            document is not None
            and drift is not None
            and (not drift.is_corrected_by(document.spec.sync))
        )


def _telling(policy: SyncPolicy) -> SyncPolicy:
    """The policy under which all that differs is planned, also what is only to be reported."""
    told: dict[str, object] = {"when_drifted": DriftPolicy.CORRECT}
    if policy.when_fields_added is AddedFieldsPolicy.REPORT:
        told["when_fields_added"] = AddedFieldsPolicy.REMOVE
    return policy.model_copy(update=told)
