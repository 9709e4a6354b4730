"""Handing over: an object that a target lets go of, without a request and without deleting it.

Another application of the fleet takes it over by writing its own marks on it; from then on the
inventory has it there, and there is nothing left to forget here. Until then it stays ours, so that
nobody takes it for an orphan. What its manifest tells Shoal to ignore is let go at once.
"""

from __future__ import annotations

from shoal.model.plans import Change, Result, ResultStatus
from shoal_clusters.kubernetes.tools import Task, Tools


def let_go(tools: Tools, change: Change, task: Task, *, is_ignored: bool) -> Result:
    """Forget the object, or wait until who wants it has it."""
    row = tools.register.row(change.key)
    if row is None or row.target != task.target:
        has_it = f"application {row.target.application} has it" if row else "it is gone"
        return _forgotten(change, has_it)
    if not is_ignored:
        note = f"waits until that is done: {change.cause}"
        return Result(change.key, change.action, ResultStatus.WAITING, note=note)
    tools.observer.deleted(row)
    return _forgotten(change, change.cause)


def _forgotten(change: Change, note: str) -> Result:
    return Result(change.key, change.action, ResultStatus.FORGOTTEN, note=note)
