"""What the API asks of a controller; the engine's controller has this shape.

Reading never waits for a cluster: views are what the engine knows now. Verbs record who and why,
and raise UnknownName, with the nearest known name, for what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from shoal.engine.diffing import DiffRequest
from shoal.engine.views.alerts import ResentView, TrialView
from shoal.engine.views.applications import TreeView
from shoal.engine.views.changes import AdoptionsView, DiffView, DriftView, MissingFiles
from shoal.engine.views.fleet import FleetView
from shoal.engine.views.whereabouts import WhereView
from shoal.model.holds import Hold
from shoal.model.identity import Ref
from shoal.model.records import Deed, Record, Verdict


class Controller(Protocol):
    """A running controller, as its API sees it."""

    @property
    def is_ready(self) -> bool:
        """Whether it knows what it knew before it was started."""
        ...

    async def metrics(self) -> bytes:
        """All metrics as Prometheus reads them."""
        ...

    async def look_at_fleet(self) -> FleetView:
        """The fleet on one screen."""
        ...

    async def look(self, path: str, is_meant: Callable[[Ref], bool]) -> Sequence[Any]:
        """The items of a list, in its usual order; the controller goes on with its work meanwhile.

        `path` is `applications`, `targets`, `clusters`, `sources`, `holds`, `drifts`, `alerts` or
        `plugins`. Of applications and targets there are those of the applications that are meant;
        the other lists are whole.
        """
        ...

    def places(self) -> Mapping[Ref, Sequence[str]]:
        """The clusters that each application is on."""
        ...

    async def tree(
        self, application: Ref, is_meant: Callable[[str], bool], *, with_pods: bool = False
    ) -> TreeView:
        """What an application has on the clusters that are meant, object by object.

        Only for the Pods of workloads are clusters asked.
        """
        ...

    async def whereabouts(self, text: str) -> WhereView:
        """Where a revision or an image is, and where not yet."""
        ...

    async def test_alert(self, alert: Ref, *, who: str) -> Sequence[TrialView]:
        """Send a test to each destination of an Alert; what became of it."""
        ...

    async def resend_alert(
        self, alert: Ref, *, who: str, batches: Sequence[str] = ()
    ) -> Sequence[ResentView]:
        """Send again what was given up, or these batches of it; what became of each."""
        ...

    async def records(
        self,
        *,
        subject: str | None = None,
        what: frozenset[Deed] = frozenset(),
        limit: int = 100,
        before: int | None = None,
        after: int | None = None,
    ) -> Sequence[Record]:
        """Records of the ledger, newest first; `before` is a seq, to page on.

        With `after`, a seq too, those that follow it, oldest first.
        """
        ...

    def last_seq(self) -> int:
        """The seq of the newest record."""
        ...

    async def wait_past(self, seq: int) -> None:
        """Return once there is a record after this one."""
        ...

    def trace(self, application: Ref) -> Sequence[Any]:
        """The spans of the application's latest sync (dataclasses); empty when there are none."""
        ...

    async def diff(self, request: DiffRequest) -> DiffView | MissingFiles:
        """What would change on the clusters of an application; changes nothing."""
        ...

    async def adopt(
        self,
        application: Ref,
        *,
        names: Sequence[str] = (),
        clusters: frozenset[str] | None = None,
    ) -> AdoptionsView:
        """What to commit so that drifts are none; changes nothing."""
        ...

    async def revert(
        self,
        application: Ref,
        *,
        who: str,
        reason: str,
        names: Sequence[str] = (),
        clusters: frozenset[str] | None = None,
    ) -> Sequence[DriftView]:
        """Undo drift now, by id or by object; what is being undone."""
        ...

    async def sync(
        self,
        application: Ref,
        *,
        who: str,
        clusters: frozenset[str] | None = None,
        rerun: bool = False,
    ) -> None:
        """Sync now. When it returns, the views no longer show the state from before.

        With `rerun`, what runs to its end runs again.
        """
        ...

    async def refresh(self, source: Ref, *, who: str, traceparent: str = "") -> None:
        """Fetch a source now."""
        ...

    async def suspend(self, application: Ref, *, who: str, reason: str, until: datetime) -> Hold:
        """Hold an application until a time."""
        ...

    async def resume(self, application: Ref, *, who: str, reason: str) -> None:
        """End the suspension of an application."""
        ...

    async def approve(self, name: str, *, who: str, reason: str) -> Sequence[Hold]:
        """Release a hold, by its id, or all of a group; what was released."""
        ...

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
        """Record what has happened beside the engine; never waits for a full disk."""
        ...
