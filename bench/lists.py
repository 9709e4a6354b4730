"""What a look at a large fleet costs: how long an answer takes, and how long all else waits for it.

`python -m bench.lists [--clusters N] [--applications N]`: a fleet in memory, of which one target in
a hundred is not well, and the local API over it, called as its socket would call it. Nothing is
synced; what is measured is reading. Another task takes its turn in the same loop all the while:
`blocked` is the longest time that it had to wait for it. `plain` is the unit to compare with, in
the same run: one pass over all targets that only counts them by phase.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import anyio
from rich.console import Console
from rich.table import Table

from shoal.api.facade import Controller as Facade
from shoal.api.routes import api_application
from shoal.composition.loading import load_plugins
from shoal.documents import load, merge
from shoal.engine import viewing
from shoal.engine.drifts import find_drifts, view_drifts
from shoal.engine.looking import look_at_fleet, look_at_many
from shoal.engine.phasing import phase_of
from shoal.engine.state import ApplicationState, EngineState
from shoal.engine.viewing import IsMeant
from shoal.engine.views.fleet import FleetView
from shoal.model.health import Health, HealthState
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Content, Desired, Grant, Owned, OwnedState
from shoal.model.policies import SyncPolicy
from shoal.telemetry.masking import Masking

ASKED = (
    "fleet",
    "clusters",
    "applications",
    "applications?cluster=c001*",
    "targets?where=health%3DDegraded",
    "targets?limit=100",
    "targets?application=app-1",
    "holds",
    "drifts",
    "targets",
)
OBJECTS = 4
_WELL, _CRASHES = Health(HealthState.HEALTHY), Health(HealthState.DEGRADED, "it crashes")
AT = datetime(2026, 1, 1, tzinfo=UTC)
_FLEET = "apiVersion: shoal.dev/v1alpha1\nkind: Fleet\nmetadata: {name: bench}\n"
_CLUSTER = """---
apiVersion: shoal.dev/v1alpha1
kind: Cluster
metadata: {name: NAME, labels: {region: eu}}
spec: {access: {kubeconfig: {path: /nowhere, context: NAME}}}
"""
_APPLICATION = """---
apiVersion: shoal.dev/v1alpha1
kind: Application
metadata: {name: NAME}
spec:
  source: {git: {url: https://git.example.com/apps.git}, path: NAME}
  placement: {clusterSelector: {}}
"""


def make_fleet(clusters: int, applications: int) -> EngineState:
    """Every application on every cluster, synced; one target in a hundred does badly or is held."""
    state = EngineState(lambda: datetime.now(UTC))
    text = _FLEET
    text += "".join(_CLUSTER.replace("NAME", f"c{at:03}") for at in range(clusters))
    text += "".join(_APPLICATION.replace("NAME", f"app-{at}") for at in range(applications))
    loaded = load({"fleet.yaml": text.encode()}, load_plugins().seams)
    state.catalog = merge(None, loaded)
    assert state.catalog is not None
    for document in state.catalog.clusters.values():
        state.cluster(document).is_connected = True
    for number, ref in enumerate(state.catalog.applications):
        state.applications[ref] = ApplicationState(is_rendered=True, placed=tuple(state.clusters))
        for name in state.clusters:
            _fill(state, TargetKey(ref, name), number)
    return state


def _fill(state: EngineState, key: TargetKey, number: int) -> None:
    target = state.target(key)
    content, policy = Content(f"content-{number}", ()), SyncPolicy()
    target.desired = Desired(key, Grant(key, "1", "shoal", AT), content.digest, content, policy)
    target.synced_digest, target.synced_revision, target.synced_at = content.digest, "1", AT
    names = [ObjectKey("apps", "Deployment", f"app-{number}", f"web-{at}") for at in range(OBJECTS)]
    rows = [Owned(key, each, "uid", "", "", b"", OwnedState.CONFIRMED) for each in names]
    state.inventory(key.cluster).put(rows)
    sort = len(state.targets) % 200
    for each in names:
        is_ill = sort == 0 and each is names[0]
        target.saw_health(each, _CRASHES if is_ill else _WELL, AT)
    if sort == 100:
        hold = Hold(str(key), HoldCause.PRUNE_BUDGET, "much goes", "shoal", AT, content.digest)
        target.hold = state.holds[hold.id] = hold


class Looked:
    """As much of a controller as lists ask for."""

    def __init__(self, state: EngineState) -> None:
        self._state = state

    async def look_at_fleet(self) -> FleetView:
        """As a controller does."""
        return await look_at_fleet(self._state, location="memory", version="0", started_at=AT)

    async def look(self, path: str, is_meant: IsMeant) -> Sequence[Any]:
        """As a controller does."""
        if path == "drifts":
            return view_drifts(find_drifts(self._state))
        found = await look_at_many(self._state, path, is_meant)
        return viewing.view_holds(self._state) if found is None else found

    def places(self) -> Mapping[Ref, Sequence[str]]:
        """As a controller does."""
        return self._state.places()


async def ask(application: Any, what: str) -> int:
    """One request, as the socket would bring it; the bytes of its answer."""
    path, _, query = what.partition("?")
    sent = 0
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/api/v1/{path}",
        "query_string": query.encode(),
        "headers": [],
        "state": {"who": "bench"},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))
        assert message.get("status", 200) == 200, message

    await application(scope, receive, send)
    return sent


async def measured(work: Callable[[], Awaitable[Any]]) -> tuple[float, float, Any]:
    """Seconds of this thread that it took, the longest turn of the loop in them, and what came.

    What other processes take of the machine meanwhile is in neither.
    """
    turns = [0.0]

    async def turn() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            turns.append(time.thread_time() - before)

    turning = asyncio.create_task(turn())
    await asyncio.sleep(0)
    started = time.thread_time()
    came = await work()
    took = time.thread_time() - started
    await asyncio.sleep(0)
    turning.cancel()
    return took, max(turns), came


async def main() -> None:
    """Measure each of them once, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=500)
    parser.add_argument("--applications", type=int, default=100)
    given = parser.parse_args()
    state = make_fleet(given.clusters, given.applications)
    gc.collect()
    gc.freeze()
    api = api_application(cast(Facade, Looked(state)), Masking(), dict)

    async def plain() -> int:
        return Counter(phase_of(state, each) for each in state.targets.values()).total()

    unit, blocked, count = await measured(plain)
    table = Table("asked", "seconds", "blocked", "x plain", "KiB", title=f"{count} targets")
    table.add_row("plain", f"{unit:.3f}", f"{blocked:.3f}", "1.0", "")
    for what in ASKED:
        took, blocked, size = await measured(lambda what=what: ask(api, what))  # type: ignore[misc]
        shown = f"{took:.3f}", f"{blocked:.3f}", f"{took / unit:.1f}", f"{size / 1024:.0f}"
        table.add_row(what, *shown)
    Console().print(table)


if __name__ == "__main__":
    anyio.run(main)
