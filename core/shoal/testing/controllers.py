"""A controller without an engine: its views are plain lists, its verbs are written down.

For the command line, the API, and commands that plugins bring. `served` puts it behind the real API
on a real Unix socket, in a thread, so that commands are tested through everything but the engine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio import CancelScope
from anyio.abc import TaskStatus
from anyio.from_thread import start_blocking_portal

from shoal.composition.configuring import Configured
from shoal.composition.loading import Plugins
from shoal.composition.reloading import LiveConfiguration
from shoal.composition.serving import Foundation, serve
from shoal.composition.settings import Settings
from shoal.engine.diffing import DiffRequest
from shoal.engine.views.alerts import AlertView, ResentView, TrialView
from shoal.engine.views.applications import ApplicationView, TargetView, TreeView
from shoal.engine.views.changes import AdoptionsView, DiffView, DriftView, HoldView, MissingFiles
from shoal.engine.views.clusters import ClusterView
from shoal.engine.views.fleet import FleetView, PluginView, SourceView
from shoal.engine.views.whereabouts import WhereView
from shoal.errors import UnknownName
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import Ref
from shoal.model.records import Deed, Record, Verdict
from shoal.telemetry.masking import Masking
from shoal.testing.views import (
    AT,
    adoptions_view,
    diff_view,
    fleet_view,
    hold_view,
    tree_view,
)


@dataclass
class FakeController:
    """Shows what it was given and notes in `calls` what it was told: (verb, subject, arguments).

    `failing`, when set, is raised by every verb. Names are checked against the lists. `state` is
    the folder of the socket while it is served.
    """

    fleet_value: FleetView = field(default_factory=fleet_view)
    application_list: list[ApplicationView] = field(default_factory=list)
    target_list: list[TargetView] = field(default_factory=list)
    cluster_list: list[ClusterView] = field(default_factory=list)
    source_list: list[SourceView] = field(default_factory=list)
    held: list[Hold] = field(default_factory=list)
    drift_list: list[DriftView] = field(default_factory=list)
    adoptions: AdoptionsView = field(default_factory=adoptions_view)
    plugin_list: list[PluginView] = field(default_factory=list)
    alert_list: list[AlertView] = field(default_factory=list)
    resent_list: list[ResentView] = field(default_factory=list)
    tree_value: TreeView = field(default_factory=tree_view)
    wheres: list[WhereView] = field(default_factory=list)
    record_list: list[Record] = field(default_factory=list)
    span_list: list[Any] = field(default_factory=list)
    diffs: list[DiffView | MissingFiles] = field(default_factory=lambda: [diff_view()])
    failing: Exception | None = None
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    state: Path = Path()
    is_ready: bool = True
    metrics_page: bytes = b""

    async def metrics(self) -> bytes:
        """As given."""
        return self.metrics_page

    async def look_at_fleet(self) -> FleetView:
        """As given."""
        return self.fleet_value

    async def look(self, path: str, is_meant: Callable[[Ref], bool]) -> Sequence[Any]:
        """As given."""
        found = getattr(self, path)()
        if path == "targets":
            return [each for each in found if is_meant(Ref(each.namespace, each.application))]
        if path == "applications":
            return [each for each in found if is_meant(Ref(each.namespace, each.name))]
        return list(found)

    def places(self) -> Mapping[Ref, Sequence[str]]:
        """Where the targets are that are given."""
        found: dict[Ref, list[str]] = {}
        for each in self.target_list:
            found.setdefault(Ref(each.namespace, each.application), []).append(each.cluster)
        return found

    def applications(self) -> Sequence[ApplicationView]:
        """As given."""
        return self.application_list

    def targets(self) -> Sequence[TargetView]:
        """As given."""
        return self.target_list

    def clusters(self) -> Sequence[ClusterView]:
        """As given."""
        return self.cluster_list

    def sources(self) -> Sequence[SourceView]:
        """As given."""
        return self.source_list

    def holds(self) -> Sequence[HoldView]:
        """As given."""
        return [hold_view(hold) for hold in self.held]

    def plugins(self) -> Sequence[PluginView]:
        """As given."""
        return self.plugin_list

    def alerts(self) -> Sequence[AlertView]:
        """As given."""
        return self.alert_list

    async def test_alert(self, alert: Ref, *, who: str) -> Sequence[TrialView]:
        """It arrives where the destination is ready; UnknownName for an Alert that is not given."""
        self._note("test", str(alert), who=who)
        for view in self.alert_list:
            if (view.namespace, view.name) == alert:
                return [
                    TrialView(each.name, each.ready != "False", each.message, each.next_step)
                    for each in view.destinations
                ]
        raise UnknownName(f"there is no alert {alert}", next_step="see shoal get alerts")

    async def resend_alert(
        self, alert: Ref, *, who: str, batches: Sequence[str] = ()
    ) -> Sequence[ResentView]:
        """As given; UnknownName for an Alert that is not given."""
        self._note("resend", str(alert), who=who, batches=batches)
        if alert not in [(each.namespace, each.name) for each in self.alert_list]:
            raise UnknownName(f"there is no alert {alert}", next_step="see shoal get alerts")
        return self.resent_list

    async def tree(
        self, application: Ref, is_meant: Callable[[str], bool], *, with_pods: bool = False
    ) -> TreeView:
        """As given, whatever clusters are meant."""
        self._check_application(application)
        self._note("tree", str(application), with_pods=with_pods)
        return self.tree_value

    async def whereabouts(self, text: str) -> WhereView:
        """As given, the last one again and again; UnknownName when nothing was given."""
        self._note("where", text)
        if not self.wheres:
            raise UnknownName(f"no source was seen at revision {text}")
        return self.wheres.pop(0) if len(self.wheres) > 1 else self.wheres[0]

    async def records(
        self,
        *,
        subject: str | None = None,
        what: frozenset[Deed] = frozenset(),
        limit: int = 100,
        before: int | None = None,
        after: int | None = None,
    ) -> Sequence[Record]:
        """Those of a subject and its targets; newest first, unless those after one are wanted."""
        found = [
            record
            for record in sorted(self.record_list, key=lambda one: one.seq)
            if (subject is None or f"{record.entry.subject}@".startswith(f"{subject}@"))
            and (not what or record.entry.what in what)
            and (before is None or record.seq < before)
            and record.seq > (after or 0)
        ]
        return (found[::-1] if after is None else found)[:limit]

    def last_seq(self) -> int:
        """That of the newest record given."""
        return max((record.seq for record in self.record_list), default=0)

    async def wait_past(self, seq: int) -> None:
        """Until a newer record was given; a test gives it from another thread."""
        while self.last_seq() <= seq:  # noqa: ASYNC110  no event of a loop is told by a thread
            await anyio.sleep(0.005)

    def trace(self, application: Ref) -> Sequence[Any]:
        """As given."""
        return self.span_list

    async def diff(self, request: DiffRequest) -> DiffView | MissingFiles:
        """As given, whatever was asked for; what was asked is noted."""
        self._check_application(request.application)
        self._note("diff", str(request.application), request=request)
        return self.diffs.pop(0) if len(self.diffs) > 1 else self.diffs[0]

    def drifts(self) -> Sequence[DriftView]:
        """As given."""
        return self.drift_list

    async def adopt(
        self,
        application: Ref,
        *,
        names: Sequence[str] = (),
        clusters: frozenset[str] | None = None,
    ) -> AdoptionsView:
        """As given; what was asked is noted."""
        self._check_application(application)
        self._note("adopt", str(application), names=names, clusters=clusters)
        return self.adoptions

    async def revert(
        self,
        application: Ref,
        *,
        who: str,
        reason: str,
        names: Sequence[str] = (),
        clusters: frozenset[str] | None = None,
    ) -> Sequence[DriftView]:
        """Noted."""
        self._check_application(application)
        self._note("revert", str(application), who=who, reason=reason, names=names)
        return [each for each in self.drift_list if not names or each.id in names]

    async def sync(
        self,
        application: Ref,
        *,
        who: str,
        clusters: frozenset[str] | None = None,
        rerun: bool = False,
    ) -> None:
        """Noted."""
        self._check_application(application)
        self._note("sync", str(application), who=who, clusters=clusters, rerun=rerun)

    async def refresh(self, source: Ref, *, who: str, traceparent: str = "") -> None:
        """Noted."""
        if (source.namespace, source.name) not in {
            (one.namespace, one.name) for one in self.source_list
        }:
            raise UnknownName(f"there is no source {source}")
        self._note("refresh", str(source), who=who, traceparent=traceparent)

    async def suspend(self, application: Ref, *, who: str, reason: str, until: datetime) -> Hold:
        """Noted, and held."""
        self._check_application(application)
        self._note("suspend", str(application), who=who, reason=reason, until=until)
        hold = Hold(str(application), HoldCause.SUSPENDED, reason, who, AT, until=until)
        self.held.append(hold)
        return hold

    async def resume(self, application: Ref, *, who: str, reason: str) -> None:
        """Noted."""
        self._check_application(application)
        self._note("resume", str(application), who=who, reason=reason)

    async def approve(self, name: str, *, who: str, reason: str) -> Sequence[Hold]:
        """Noted, and no longer held."""
        released = [hold for hold in self.held if name in (hold.id, hold.group)]
        if not released:
            raise UnknownName(f"there is no hold {name}", next_step="see `shoal get holds`")
        self._note("approve", name, who=who, reason=reason)
        self.held = [hold for hold in self.held if hold not in released]
        return released

    async def mention(
        self,
        what: Deed,
        subject: str,
        body: Mapping[str, Any] | None = None,
        *,
        who: str = "shoal",
        why: str = "",
        verdict: Verdict = Verdict.NOTED,
    ) -> None:
        """Noted."""
        self._note(what, subject, who=who, why=why, body=body, verdict=verdict)

    def _check_application(self, ref: Ref) -> None:
        if (ref.namespace, ref.name) not in {
            (one.namespace, one.name) for one in self.application_list
        }:
            raise UnknownName(f"there is no application {ref}")

    def _note(self, verb: str, subject: str, **arguments: Any) -> None:
        if self.failing is not None:
            raise self.failing
        self.calls.append((verb, subject, arguments))


@contextmanager
def served(controller: FakeController, state: Path) -> Iterator[FakeController]:
    """The controller behind the real API, its socket in `state`, as long as the context lasts."""

    @asynccontextmanager
    async def open_engine(foundation: Foundation) -> AsyncIterator[FakeController]:
        yield controller

    configured = Configured.by_default(Settings(fleet="/fleet", state=state))
    configuration = LiveConfiguration(configured)

    async def run(*, task_status: TaskStatus[CancelScope]) -> None:
        with CancelScope() as scope:
            async with anyio.create_task_group() as group:
                start = partial(serve, announced_below=state / "root")
                await group.start(start, configuration, Plugins(), open_engine, Masking())
                task_status.started(scope)

    with start_blocking_portal() as portal:
        serving, scope = portal.start_task(run)
        controller.state = state
        try:
            yield controller
        finally:
            portal.call(scope.cancel)
            serving.result()
