"""Tells people and machines outside: each destination of each Alert reads the ledger for itself.

A reader of what is durable, so that nothing is lost: it follows the ledger with a cursor, decides
by `shoal.planning.alerting` what is told at once, stores that, and only then sends it. A batch that
was stored is sent until it arrives, with the same id, or is given up, which the ledger says. One
destination waits for no other; one that is away keeps a bounded number of events in memory, and
leaves the rest in the ledger. A new destination begins with what happens from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import NamedTuple

import anyio
import structlog

from shoal.documents import Catalog, Identity
from shoal.engine.delivering import Delivering
from shoal.engine.queueing import Priority, Request, serve
from shoal.engine.recording import Recording
from shoal.engine.state import EngineState
from shoal.engine.views.alerts import TrialView
from shoal.errors import ShoalError
from shoal.model.alerts import Outgoing, Stream, StreamKey, records_of
from shoal.model.choice import Choice
from shoal.model.documents import Alert
from shoal.model.records import Deed, Record, Verdict
from shoal.planning import alerting
from shoal.planning.alerting import Policy
from shoal.planning.concerning import Fleet, concerns
from shoal.planning.giving_up import body_of, resent
from shoal.planning.noticing import TELLING, notice
from shoal.planning.wording import trial
from shoal.store import Store

PAGE = 100
"""Records that are read at once: a few milliseconds of work."""
GATHER_SECONDS = 1.0
"""What is recorded within this time is read together."""
TROUBLED_RETRY = timedelta(seconds=5)
UNSAVED_RECORDS = 500
"""A cursor alone is stored this seldom: to read that many again after a crash costs nothing."""
_log = structlog.get_logger(__name__)


class _Way(NamedTuple):
    """A stream, whose it is, and where it leads."""

    key: StreamKey
    alert: Alert
    choice: Choice


@dataclass(slots=True)
class Alerting:
    """Follows the ledger for every destination. `jitter` gives a number in [0, 1)."""

    state: EngineState
    store: Store
    recording: Recording
    delivering: Delivering
    jitter: Callable[[], float]
    _saved: dict[StreamKey, Stream] = field(default_factory=dict)
    _fleet: tuple[Catalog, Fleet] | None = None
    _resent: dict[StreamKey, list[str]] = field(default_factory=dict)

    async def run(self) -> None:
        """Tell whatever is to be told; ends by cancellation only."""
        self._saved = dict(self.state.streams)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, self.state.alert_queue, self.work)
            tasks.start_soon(self._follow)

    async def _follow(self) -> None:
        """Wake every stream when something was recorded; other documents are recorded, too."""
        seen = self.store.last_seq
        while True:
            self._begin_streams(seen)
            seen = self.store.last_seq
            for key in self.state.streams:
                self.state.alert_queue.add(key, Request(Priority.RECHECK, "news"))
            await self.store.wait_past(seen)
            await anyio.sleep(GATHER_SECONDS)

    def _begin_streams(self, seq: int) -> None:
        """A destination that is new begins now: nobody wants to be told of last year."""
        catalog = self.state.catalog
        for ref, alert in catalog.alerts.items() if catalog else ():
            for name in alert.spec.destinations():
                self.state.streams.setdefault(StreamKey(ref, name), Stream(seq))

    async def work(self, key: StreamKey, request: Request) -> None:
        """Bring one destination up to date, as far as that is possible now."""
        try:
            way = self._way(key)
            if way is None:
                if self._is_gone(key):
                    await self._forget(key)
            elif key in self.state.streams:  # else it has just come again, and begins in a moment
                await self._advance(way)
        except (ShoalError, ValueError) as error:
            # Nothing can be stored or read just now; what was not stored was not sent either.
            _log.warning("an alert waits for the state", alert=str(key), error=str(error))
            again = self.state.now() + TROUBLED_RETRY
            self.state.alert_queue.wake(key, again, Request(Priority.RECHECK, "retry"))

    async def test(self, alert: Alert, who: str) -> Sequence[TrialView]:
        """Send a test to each destination, now and whatever waits; what became of each."""
        catalog, now = self.state.catalog, self.state.now()
        batch = trial(alert, catalog.fleet if catalog else "", who, now)
        found: dict[str, TrialView] = {}

        async def send(name: str, choice: Choice) -> None:
            subject = f"a test of {StreamKey(alert.ref, name)}"
            try:
                await self.delivering.send(choice, batch, subject)
                found[name] = TrialView(name, arrived=True, message="", next_step="")
            except ShoalError as error:
                found[name] = TrialView(
                    name, arrived=False, message=error.message, next_step=error.next_step
                )

        async with anyio.create_task_group() as tasks:
            for name, choice in alert.spec.destinations().items():
                tasks.start_soon(send, name, choice)
        return [found[name] for name in alert.spec.destinations()]

    def was_resent(self, key: StreamKey, title: str) -> None:
        """A batch that this destination had given up has arrived after all."""
        self._resent.setdefault(key, []).append(title)
        self.state.alert_queue.add(key, Request(Priority.USER, "sent again"))

    def _way(self, key: StreamKey) -> _Way | None:
        catalog = self.state.catalog
        alert = catalog.alerts.get(key.alert) if catalog else None
        choice = alert.spec.destinations().get(key.destination) if alert else None
        return None if alert is None or choice is None else _Way(key, alert, choice)

    def _is_gone(self, key: StreamKey) -> bool:
        """Whether its document was read and does not name it; one that cannot be read keeps it."""
        catalog = self.state.catalog
        return catalog is not None and Identity("Alert", *key.alert) not in catalog.unknown

    async def _forget(self, key: StreamKey) -> None:
        seq = self.store.last_seq
        await self.recording.stopped_telling(key)
        self.state.streams.pop(key, None)
        self._saved.pop(key, None)
        if self._way(key) is not None:
            # It came again meanwhile, and is a new one.
            self.state.streams[key] = Stream(seq)
            self.state.alert_queue.add(key, Request(Priority.RECHECK, "news"))

    async def _advance(self, way: _Way) -> None:
        if titles := self._resent.pop(way.key, None):
            stream = self.state.streams[way.key]
            await self._keep(way.key, resent(stream, titles, self.state.now()))
        while True:
            policy = self._policy(way)
            stream = await self._read(way, policy)
            now = self.state.now()
            cut = alerting.cut(alerting.settle(stream, policy, now), policy, now, str(way.key))
            if cut.muted_news or cut.muted_endings:
                await self._note_muted(way, policy, cut)
                continue
            await self._keep(way.key, cut.stream)
            outgoing = cut.stream.outgoing
            if outgoing is None or (outgoing.next_try and outgoing.next_try > now):
                break
            await self._try(way, cut.stream, outgoing)
        # By the policy that was cut by: one that has just come to its end would wake nobody.
        at = alerting.wake_at(cut.stream, policy)
        if at is not None:
            self.state.alert_queue.wake(way.key, at, Request(Priority.RECHECK, "time"))

    def _policy(self, way: _Way) -> Policy:
        muted = way.alert.spec.muted_until(self.state.now())
        return Policy(way.alert.spec, *muted) if muted else Policy(way.alert.spec)

    async def _read(self, way: _Way, policy: Policy) -> Stream:
        """What was recorded since, as far as there is room for it."""
        stream, key = self.state.streams[way.key], way.key
        while stream.cursor < (last := self.store.last_seq) and alerting.has_room(stream):
            records = await self.store.records(
                after_seq=stream.cursor, what=TELLING, limit=PAGE, newest_first=False
            )
            for record in records:
                stream = self._took(way, stream, record, policy)
            if len(records) < PAGE:
                stream = replace(stream, cursor=max(stream.cursor, last))
            self.state.streams[key] = stream
        return stream

    def _took(self, way: _Way, stream: Stream, record: Record, policy: Policy) -> Stream:
        now = self.state.now()
        if record.entry.what is Deed.CONTROLLER_STARTED:
            stream = alerting.started(stream, record.seq, now)
        fleet = self._surroundings()
        events = [each for each in notice(record) if concerns(way.alert, each, fleet)]
        return alerting.read(stream, events, record.seq, policy, now)

    def _surroundings(self) -> Fleet:
        """Whose labels an Alert may select by; made once for each catalog."""
        catalog = self.state.catalog
        assert catalog is not None
        if self._fleet is None or self._fleet[0] is not catalog:
            labels = {str(ref): each.metadata.labels for ref, each in catalog.applications.items()}
            facts = {name: each.facts for name, each in catalog.clusters.items()}
            self._fleet = catalog, Fleet(labels, facts)
        return self._fleet[1]

    async def _keep(self, key: StreamKey, stream: Stream) -> None:
        """Store it, if it says more than how far it has read."""
        self.state.streams[key] = stream
        saved = self._saved.get(key)
        is_same = saved is not None and replace(saved, cursor=stream.cursor) == stream
        if saved is not None and is_same and stream.cursor - saved.cursor < UNSAVED_RECORDS:
            return
        await self.recording.told(key, stream)
        self._saved[key] = stream

    async def _try(self, way: _Way, stream: Stream, outgoing: Outgoing) -> None:
        """Send it once. What became of it is stored, or else it is sent again."""
        assert self.state.catalog is not None
        batch = await self.delivering.batch(outgoing, way.alert, self.state.catalog.fleet)
        try:
            await self.delivering.send(way.choice, batch, str(way.key))
        except ShoalError as error:
            await self._failed(way, stream, outgoing, error)
            return
        _log.info("alert delivered", alert=str(way.key), batch=batch.id, title=batch.title)
        await self._keep(way.key, alerting.delivered(stream, batch.title, self.state.now()))

    async def _failed(
        self, way: _Way, stream: Stream, outgoing: Outgoing, error: ShoalError
    ) -> None:
        now = self.state.now()
        tried = alerting.failed(stream, error, now, self.jitter())
        if not alerting.is_hopeless(outgoing, error, now):
            if not outgoing.attempts:
                _log.warning("alert not delivered", alert=str(way.key), error=error.message)
            await self._keep(way.key, tried)
            return
        await self._tell(
            way,
            alerting.given_up(tried),
            Deed.ALERT_GIVEN_UP,
            Verdict.FAILED,
            error.message,
            **body_of(outgoing),
            next_step=error.next_step,
        )

    async def _note_muted(self, way: _Way, policy: Policy, cut: alerting.Cut) -> None:
        assert policy.muted_until is not None  # by which it was cut
        await self._tell(
            way,
            cut.stream,
            Deed.ALERT_MUTED,
            Verdict.NOTED,
            policy.mute_reason,
            records=records_of(cut.muted_news, cut.muted_endings),
            until=policy.muted_until.isoformat(),
        )

    async def _tell(
        self, way: _Way, stream: Stream, what: Deed, verdict: Verdict, why: str, **body: object
    ) -> None:
        """A record of what is not sent, and the stream without it, in one transaction."""
        await self.recording.left_untold(
            way.key, stream, what=what, verdict=verdict, why=why, body=body
        )
        self.state.streams[way.key] = self._saved[way.key] = stream
