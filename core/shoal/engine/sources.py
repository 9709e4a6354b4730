"""The loop of sources: key = source. Fetch; when the revision moved, wake its readers.

A source that cannot be read keeps its last artifact, so that what is live goes on being healed, and
is tried again with back-off. Nothing is rendered here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.engine.owing import UNRECORDED_RETRY
from shoal.engine.queueing import Priority, Request
from shoal.engine.recording import OUT_OF_FLEET, Recording
from shoal.engine.rendering import Rendering
from shoal.engine.state import EngineState, SourceState
from shoal.errors import InvalidDocument, ShoalError, StoreUnavailable
from shoal.hooks.host import Host
from shoal.hooks.sources import SourceType
from shoal.model.artifacts import Artifact
from shoal.model.documents import SourceSpec
from shoal.model.identity import Ref
from shoal.model.records import Deed, Verdict
from shoal.planning.backing_off import retry_at
from shoal.store import PutSource
from shoal.store import SourceState as StoredSource

# A source plugin ends a fetch by itself, and says why; this is for one that does not.
FETCH_SECONDS = 660.0
# Intervals are stretched or shrunk by up to this share, so that sources do not march in step.
SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class Sources:
    """Fetches sources. `jitter` gives a number in [0, 1)."""

    state: EngineState
    recording: Recording
    rendering: Rendering
    types: Mapping[str, SourceType[Any]]
    hosts: Mapping[str, Host]
    guard: Guard
    jitter: Callable[[], float]

    async def work(self, ref: Ref, request: Request) -> None:
        """One look at one source."""
        catalog = self.state.catalog
        spec = catalog.sources.get(ref) if catalog else None
        if spec is None:
            await self._forget(ref)
            return
        source = self.state.sources.setdefault(ref, SourceState())
        try:
            artifact = await self._fetch(ref, spec, source, request)
            await self._fetched(ref, spec, source, artifact)
        except ShoalError as error:
            await self._failed(ref, spec, source, error)

    async def _fetch(
        self, ref: Ref, spec: SourceSpec, source: SourceState, request: Request
    ) -> Artifact:
        name = spec.choice.name
        source_type = self.types.get(name)
        if source_type is None:
            raise InvalidDocument(f"source {ref} names {name}, which is not a source plugin")
        started = self.state.now()
        async with source.fetching:
            artifact = await self.guard.ask(
                "source",
                name,
                str(ref),
                lambda: source_type.fetch(ref, spec.choice.spec, source.artifact, self.hosts[name]),
                seconds=FETCH_SECONDS,
                answer=answers.artifact,
            )
        if artifact is not source.artifact:
            source.detected_at = request.since or started
            source.fetch_times = (started, self.state.now())
            source.traceparent = request.traceparent or artifact.provenance.traceparent
        return artifact

    async def _fetched(
        self, ref: Ref, spec: SourceSpec, source: SourceState, artifact: Artifact
    ) -> None:
        moved = artifact is not source.artifact
        if moved:
            await self._record(ref, source, artifact)
            if source.artifact is not None and artifact.provenance.committed_at is not None:
                self.state.measuring.detected(self.state.now() - artifact.provenance.committed_at)
        recovered, source.error, source.failures = source.error, None, 0
        source.artifact, source.fetched_at = artifact, self.state.now()
        if recovered:
            await self.recording.mention(Deed.SOURCE_RECOVERED, f"source {ref}")
        if moved or recovered:
            self._wake_readers(ref)
        spread = 1 + SPREAD * (2 * self.jitter() - 1)
        self.state.source_queue.wake(
            ref, self.state.now() + spec.interval * spread, Request(Priority.RECHECK, "interval")
        )

    async def _record(self, ref: Ref, source: SourceState, artifact: Artifact) -> None:
        """Recorded first: a revision that cannot be has not arrived, and is fetched again."""
        told = (artifact.revision, artifact.digest)
        if source.recorded == told:
            return  # after a restart it is only at hand again
        await self.recording.note(
            who=artifact.provenance.author or "unknown",
            what=Deed.SOURCE_CHANGED,
            why=artifact.provenance.subject,
            subject=f"source {ref}",
            revision=artifact.revision,
            body=_facts(artifact),
            beside=[PutSource(StoredSource(ref, *told))],
        )
        source.recorded = told

    async def _forget(self, ref: Ref) -> None:
        """Its document is gone."""
        known = self.state.sources.pop(ref, None)
        self.rendering.forget(ref)
        self._wake_readers(ref)
        if known is not None and known.error is not None:
            await self.recording.mention(Deed.SOURCE_RECOVERED, f"source {ref}", why=OUT_OF_FLEET)
        if known is None or known.recorded is None:
            return
        try:
            await self.recording.forget(ref)
        except StoreUnavailable:
            self.state.sources[ref] = SourceState(recorded=known.recorded)
            at = self.state.now() + UNRECORDED_RETRY
            self.state.source_queue.wake(ref, at, Request(Priority.RECHECK, "retry"))

    async def _failed(
        self, ref: Ref, spec: SourceSpec, source: SourceState, error: ShoalError
    ) -> None:
        news = source.error is None or str(source.error) != str(error)
        source.error = error
        source.failures += 1
        # Permanent or not, only another look tells whether somebody mended it: at the interval.
        at = retry_at(
            source.failures,
            now=self.state.now(),
            jitter=self.jitter(),
            after_seconds=getattr(error, "after_seconds", None),
        )
        latest = self.state.now() + max(spec.interval, timedelta(seconds=1))
        self.state.source_queue.wake(ref, min(at, latest), Request(Priority.RECHECK, "retry"))
        if news:
            await self.recording.mention(
                Deed.SOURCE_FAILED,
                f"source {ref}",
                {"reason": error.reason, "next_step": error.next_step},
                why=error.message,
                verdict=Verdict.FAILED,
            )
            self._wake_readers(ref)

    def _wake_readers(self, ref: Ref) -> None:
        catalog = self.state.catalog
        for application in catalog.applications.values() if catalog else ():
            if application.source_ref == ref:
                self.state.application_queue.add(
                    application.ref, Request(Priority.REVISION, f"source {ref} changed")
                )


def _facts(artifact: Artifact) -> Mapping[str, str]:
    """What is recorded of a revision, besides who made it and why."""
    made = artifact.provenance
    committed = made.committed_at.isoformat() if made.committed_at else ""
    told = {
        "digest": artifact.digest,
        "version": made.version,
        "signer": made.signer,
        "committed_at": committed,
    }
    return {name: value for name, value in told.items() if value}
