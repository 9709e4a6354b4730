"""The loop of applications: key = application. Place, render, override, grant; wake its targets.

The outcome is one `Desired` per target, shared between clusters where it is equal. Only targets
whose digest changed are woken, so a commit that does not touch an application costs a look-up. An
application that fails keeps what its targets had; one that lost a cluster, or its document, leaves
its targets `Removing`, whatever else is wrong with it (`removing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from opentelemetry.trace import Span, Tracer

from shoal.documents import Catalog, Identity
from shoal.documents.depending import around
from shoal.engine.belonging import belongs_on
from shoal.engine.budgeting import expect_at_grant
from shoal.engine.depending import wake_around
from shoal.engine.desiring import Desiring
from shoal.engine.handing_over import decided
from shoal.engine.owing import UNRECORDED_RETRY
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import OUT_OF_FLEET, Recording
from shoal.engine.removing import Removing
from shoal.engine.state import ApplicationState, EngineState, SourceState
from shoal.engine.wishes import Wishes
from shoal.errors import InvalidDocument, Retryable, ShoalError, StoreUnavailable
from shoal.model.artifacts import Artifact
from shoal.model.choice import nearest
from shoal.model.documents import Application
from shoal.model.identity import Ref, TargetKey
from shoal.model.plans import Content, Desired
from shoal.model.records import Deed, Verdict
from shoal.planning.backing_off import retry_at
from shoal.planning.granting import grant
from shoal.planning.overriding import desired_digest
from shoal.telemetry import names
from shoal.telemetry.spans import mark_failed, opened, parented, past, trace_id, traceparent

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Decision:
    """What one decision is made from."""

    document: Application
    known: ApplicationState
    source: SourceState
    artifact: Artifact
    request: Request
    render_times: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Applications:
    """Decides what each target should hold. `jitter` gives a number in [0, 1)."""

    state: EngineState
    recording: Recording
    desiring: Desiring
    removing: Removing
    tracer: Tracer
    jitter: Callable[[], float]

    async def work(self, ref: Ref, request: Request) -> None:
        """Decide one application anew; those who wait for its decision are woken."""
        before = self.state.applications.get(ref)
        there = set(before.placed) if before else set[str]()
        was_rendered = before is not None and before.is_rendered
        await self._work(ref, request)
        known = self.state.applications.get(ref)
        clusters = {*there, *(known.placed if known else ())}
        decided(self.state, ref, clusters, was_rendered=was_rendered)

    async def _work(self, ref: Ref, request: Request) -> None:
        catalog = self.state.catalog
        document = catalog.applications.get(ref) if catalog else None
        if catalog is None:
            return
        if document is None:
            if Identity("Application", *ref) not in catalog.unknown:
                await self._try_to_remove(catalog, ref)
            return
        known = self.state.applications.setdefault(ref, ApplicationState())
        if request.priority is Priority.USER:
            self.desiring.rendering.try_again(document.source_ref)
        tried = known.tried_revision
        try:
            known.placed = belongs_on(self.state, document, catalog.clusters)
            await self.removing.placed(catalog, ref, frozenset(known.placed))
            _check_dependencies(catalog, document)
            source = self._source(catalog, document)
            if source is None:
                return
            if source.artifact is None:
                assert source.error is not None
                raise source.error
            tried = source.artifact.revision
            await self._decide(catalog, document, known, source, source.artifact, request)
        except ShoalError as error:
            known.tried_revision = tried
            await self._failed(ref, known, error)
        else:
            known.tried_revision = tried
            await self._decided(ref, known)

    def _source(self, catalog: Catalog, document: Application) -> SourceState | None:
        """The source, read or failed; None: not read yet, and what comes of it wakes this one.

        Raises InvalidDocument when no such Source is known.
        """
        catalog.source_of(document)
        source = self.state.sources.get(document.source_ref)
        is_read = source is not None and (source.artifact is not None or source.error is not None)
        return source if is_read else None

    async def _decide(
        self,
        catalog: Catalog,
        document: Application,
        known: ApplicationState,
        source: SourceState,
        artifact: Artifact,
        request: Request,
    ) -> None:
        started = self.state.now()
        wishes = await self.desiring.desire(catalog, document, artifact, known)
        known.is_rendered = True
        decision = _Decision(
            document, known, source, artifact, request, (started, self.state.now())
        )
        changed = self._changed(document, wishes.contents)
        if changed:
            await self._grant(decision, wishes.contents, changed)
        self._note_undecided(document, known, wishes)
        error = wishes.error()
        if error is not None:
            raise error
        known.revision = artifact.revision

    def _note_undecided(
        self, document: Application, known: ApplicationState, wishes: Wishes
    ) -> None:
        """A target says by itself what concerns its cluster; the rest the application says."""
        for name in known.placed:
            key, failure = TargetKey(document.ref, name), wishes.failures.get(name)
            if failure is not None and failure.is_own:
                self.state.target(key).undecided = failure.error
            elif key in self.state.targets:
                self.state.targets[key].undecided = None

    def _changed(
        self, document: Application, wanted: Mapping[str, Content]
    ) -> dict[TargetKey, str]:
        """The targets whose desired digest is another one, and that digest."""
        changed = {}
        for cluster, each in wanted.items():
            key = TargetKey(document.ref, cluster)
            digest = desired_digest(each, document.spec.sync, document.spec.health)
            current = self.state.target(key)
            if current.desired is None or current.desired.digest != digest:
                changed[key] = digest
        return changed

    async def _grant(
        self,
        decision: _Decision,
        wanted: Mapping[str, Content],
        changed: Mapping[TargetKey, str],
    ) -> None:
        """One decision, one trace: grant the revision to every target that changes."""
        with self._span(decision, targets=len(changed)) as span:
            revision, now = decision.artifact.revision, self.state.now()
            grants, _ = grant(
                changed, revision, self.state.grants, frozenset(changed), now, traceparent(span)
            )
            await self.recording.granted(grants.values())
            contents = {key: wanted[key.cluster] for key in changed}
            expect_at_grant(self.state, revision, contents, decision.document.spec.sync)
            for key, digest in changed.items():
                target = self.state.target(key)
                spec = decision.document.spec
                target.desired = Desired(
                    key, grants[key], digest, wanted[key.cluster], spec.sync, spec.health
                )
                priority = min(decision.request.priority, Priority.REVISION)
                self.state.wake(key, Request(priority, decision.request.reason))

    @contextmanager
    def _span(self, decision: _Decision, *, targets: int) -> Iterator[Span]:
        """The root of the change's trace, begun when the change was detected."""
        source, artifact = decision.source, decision.artifact
        arrived = source.detected_at if decision.known.revision != artifact.revision else None
        with opened(
            self.tracer,
            names.SHOAL_SYNC,
            {
                names.APPLICATION: str(decision.document.ref),
                names.REVISION: artifact.revision,
                names.TRIGGER: decision.request.reason,
                names.TARGETS: targets,
            },
            parent=parented(source.traceparent or decision.request.traceparent),
            start=arrived or decision.render_times[0],
        ) as span:
            decision.known.trace_id = trace_id(span)
            if arrived and source.fetch_times:
                what = {
                    names.SOURCE: str(decision.document.source_ref),
                    names.REVISION: artifact.revision,
                }
                past(self.tracer, names.FETCH, *source.fetch_times, what)
            past(self.tracer, names.RENDER, *decision.render_times)
            yield span

    async def _try_to_remove(self, catalog: Catalog, ref: Ref) -> None:
        """The application has no document any more."""
        known = self.state.applications.pop(ref, None)
        if known is not None and known.error is not None:
            await self.recording.mention(Deed.APPLICATION_RECOVERED, str(ref), why=OUT_OF_FLEET)
        try:
            await self.removing.application_removed(catalog, ref)
        except StoreUnavailable as error:
            _log.warning("removal not recorded", application=str(ref), error=str(error))
            at = self.state.now() + UNRECORDED_RETRY
            self.state.application_queue.wake(ref, at, Request(Priority.RECHECK, "retry"))

    async def _failed(self, ref: Ref, known: ApplicationState, error: ShoalError) -> None:
        """Say it once; what the targets were granted before stays."""
        news = known.error is None or str(known.error) != str(error)
        known.error = error
        known.failures += 1
        if isinstance(error, Retryable):
            at = retry_at(
                known.failures,
                now=self.state.now(),
                jitter=self.jitter(),
                after_seconds=error.after_seconds,
            )
            self.state.application_queue.wake(ref, at, Request(Priority.RECHECK, "retry"))
        if news:
            with opened(
                self.tracer,
                names.SHOAL_SYNC,
                {names.APPLICATION: str(ref)},
                parent=parented(""),
            ) as span:
                mark_failed(span, error)
                known.trace_id = trace_id(span)
                await self.recording.mention(
                    Deed.APPLICATION_FAILED,
                    str(ref),
                    {"reason": error.reason, "next_step": error.next_step},
                    why=error.message,
                    verdict=Verdict.FAILED,
                    revision=known.tried_revision,
                )

    async def _decided(self, ref: Ref, known: ApplicationState) -> None:
        known.failures = 0
        wake_around(self.state, ref)
        if known.error is not None:
            known.error = None
            await self.recording.mention(Deed.APPLICATION_RECOVERED, str(ref))


def _check_dependencies(catalog: Catalog, document: Application) -> None:
    """Raise InvalidDocument when what it waits for can never come."""
    way = catalog.circles.get(document.ref)
    if way:
        raise InvalidDocument(
            f"applications wait for one another in a circle: {around(way)}",
            next_step="remove one of these dependsOn",
        )
    for ref in document.dependencies:
        is_there = ref in catalog.applications or Identity("Application", *ref) in catalog.unknown
        if not is_there:
            meant = nearest(str(ref), [str(each) for each in catalog.applications])
            raise InvalidDocument(
                f"application {document.ref} depends on application {ref}, and there is none",
                next_step=f"did you mean {meant}?" if meant else "see shoal get applications",
            )
