"""Applications that wait for others on the same cluster, and are woken by them alone.

A dependency is there when it is synced at what it should hold now and everything of it was seen
healthy. It is asked for only before something from Git is written: what was written once is kept as
it is, whatever becomes of the dependency later. One that is not placed on the cluster is not waited
for. Nothing polls: a pass, a sighting or a decision that makes a dependency ready wakes who waits.
"""

from __future__ import annotations

from collections.abc import Iterator

from shoal.documents import Catalog, Identity
from shoal.engine.queueing import Priority, Request
from shoal.engine.state import ClusterState, EngineState
from shoal.engine.target_state import TargetState
from shoal.model.holds import HoldCause
from shoal.model.identity import Ref, TargetKey


def lacking(state: EngineState, key: TargetKey) -> tuple[Ref, ...]:
    """The dependencies of a target that are not there yet."""
    return tuple(ref for ref, _ in _lacks(state, key))


def lack(state: EngineState, key: TargetKey) -> str:
    """What the first of them lacks now; empty when all are there."""
    return next((f"{ref} {lack}" for ref, lack in _lacks(state, key)), "")


def await_decisions(state: EngineState, key: TargetKey) -> bool:
    """Whether what a dependency should hold is being decided just now; then the target comes back.

    A commit may change both, and the one that waits may be rendered sooner.
    """
    catalog = state.catalog
    document = catalog.applications.get(key.application) if catalog else None
    if catalog is None or document is None:
        return False
    open_ = any(
        state.application_queue.is_busy(ref) and _is_placed(catalog, TargetKey(ref, key.cluster))
        for ref in document.dependencies
    )
    if open_:
        state.awaiting_decisions.setdefault(key.cluster, set()).add(key)
    return open_


def _is_placed(catalog: Catalog, key: TargetKey) -> bool:
    document, cluster = catalog.applications.get(key.application), catalog.clusters.get(key.cluster)
    if document is None or cluster is None:
        return False
    return document.spec.placement.cluster_selector.matches(cluster.metadata.labels)


def _lacks(state: EngineState, key: TargetKey) -> Iterator[tuple[Ref, str]]:
    catalog = state.catalog
    document = catalog.applications.get(key.application) if catalog else None
    if catalog is None or document is None:
        return
    for ref in document.dependencies:
        if lack := _lack(state, catalog, TargetKey(ref, key.cluster)):
            yield ref, lack


def _lack(state: EngineState, catalog: Catalog, key: TargetKey) -> str:
    if Identity("Application", *key.application) in catalog.unknown:
        return "has a document that cannot be read"
    if not _is_placed(catalog, key):
        return ""
    target = state.targets.get(key)
    if target is None or target.desired is None:
        return "is not decided yet"
    if target.synced_digest != target.desired.digest:
        return "is not synced yet"
    return _ill(state, target)


def _ill(state: EngineState, target: TargetState) -> str:
    """Its first object that was not seen healthy since it was written."""
    for key in sorted(state.inventory(target.key.cluster).of(target.key)):
        if not target.is_healthy((key,)):
            health = target.health.get(key)
            if health is None or key in target.unseen:
                return f"was not seen healthy yet ({key})"
            return f"is not healthy, for {key} is {health.state}"
    return ""


def wake_dependents(state: EngineState, cluster: ClusterState, target: TargetState) -> None:
    """Let those on this cluster go on that wait for this target, if it is ready."""
    catalog = state.catalog
    if catalog is None:
        return
    waiting = [
        each
        for ref in catalog.dependents.get(target.key.application, ())
        if (each := state.targets.get(TargetKey(ref, target.key.cluster))) is not None
        and _is_waiting(each)
    ]
    if waiting and not _lack(state, catalog, target.key):
        request = Request(Priority.REVISION, f"{target.key.application} is ready")
        for each in waiting:
            cluster.queue.add(each.key, request)


def look_again(state: EngineState, cluster: ClusterState, target: TargetState) -> None:
    """Let a target go on whose dependencies became ready while its hold was written down.

    Whoever made them ready did not find it waiting yet.
    """
    if not lacking(state, target.key):
        request = Request(Priority.REVISION, "what it waits for is ready")
        cluster.queue.add(target.key, request)


def wake_around(state: EngineState, application: Ref) -> None:
    """An application was decided anew: those that wait for it, and itself, look again."""
    catalog = state.catalog
    if catalog is None:
        return
    request = Request(Priority.REVISION, f"{application} was decided")
    for ref in (application, *catalog.dependents.get(application, ())):
        for target in state.targets_of(ref):
            if _is_waiting(target):
                state.wake(target.key, request)


def _is_waiting(target: TargetState) -> bool:
    return target.hold is not None and target.hold.cause is HoldCause.DEPENDENCY
