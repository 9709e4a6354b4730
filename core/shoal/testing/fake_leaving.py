"""How objects leave a fake cluster: deleted, or left where they are as nobody's."""

from __future__ import annotations

from shoal.model.identity import TargetKey
from shoal.model.plans import Change, Result, ResultStatus
from shoal.testing.fake_cluster import FakeCluster
from shoal.testing.fake_memory import FakeMemory


def deleted(cluster: FakeCluster, memory: FakeMemory, change: Change, target: TargetKey) -> Result:
    """Delete what is the target's, unless another target may want it."""
    key = change.key
    if not memory.may_be_deleted(key, target):
        note = "kept, because another application wants it, or may want it"
        return Result(key, change.action, ResultStatus.WAITING, note=note)
    if key in cluster.refusals:
        return Result(key, change.action, ResultStatus.FAILED, error=cluster.refusals[key])
    live = cluster.objects.get(key)
    status = ResultStatus.DELETED
    if live is not None and live.owner != target:
        status = ResultStatus.FORGOTTEN
    elif live is not None:
        cluster.writes.append(("delete", key))
        if key in cluster.finalizers:
            return _hanging(change, cluster.finalizers[key])
        del cluster.objects[key]
    _forget(memory, change)
    return Result(key, change.action, status)


def let_go(cluster: FakeCluster, memory: FakeMemory, change: Change, target: TargetKey) -> Result:
    """Take our marks off; the object stays."""
    live = cluster.objects.get(change.key)
    if live is not None and live.owner == target:
        cluster.writes.append(("let go", change.key))
        live.owner = None
    _forget(memory, change)
    return Result(change.key, change.action, ResultStatus.FORGOTTEN)


def _hanging(change: Change, finalizer: str) -> Result:
    note = f"it is being deleted and waits for its finalizer {finalizer}"
    next_step = "see who should take it off"
    return Result(change.key, change.action, ResultStatus.WAITING, note=note, next_step=next_step)


def _forget(memory: FakeMemory, change: Change) -> None:
    memory.keep(change.key, None)
    memory.drifted.pop(change.key, None)
