"""Completing: the kinds that run once to their end, and how one sees that they have.

What ran to its end at one digest is done: nothing runs it again, and that it is gone (a controller
tidies up after `ttlSecondsAfterFinished`) is no drift. Another digest is another run: the object is
deleted and created again, because none of these kinds can be changed into one that runs anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shoal.model.identity import GroupKind

Body = Mapping[str, Any]


def is_run_to_completion(kind: GroupKind) -> bool:
    """Whether objects of this kind do something once, and have then done it."""
    return kind in _ENDS


def is_finished(body: Body, kind: GroupKind) -> bool:
    """Whether such an object ran to its end, well or not."""
    has_ended = _ENDS.get(kind)
    return has_ended is not None and has_ended(body)


def _by_condition(*names: str, statuses: tuple[str, ...] = ("True",)) -> Callable[[Body], bool]:
    def has_ended(body: Body) -> bool:
        conditions = _status(body).get("conditions")
        return any(
            condition.get("type") in names and condition.get("status") in statuses
            for condition in (conditions if isinstance(conditions, list) else ())
            if isinstance(condition, Mapping)
        )

    return has_ended


def _by_phase(*phases: str) -> Callable[[Body], bool]:
    return lambda body: _status(body).get("phase") in phases


def _status(body: Body) -> Body:
    status = body.get("status")
    return status if isinstance(status, Mapping) else {}


# Tekton: `Succeeded` is Unknown for as long as it runs, then True or False (knative conditions).
_TEKTON = _by_condition("Succeeded", statuses=("True", "False"))

_ENDS: Mapping[GroupKind, Callable[[Body], bool]] = {
    GroupKind("batch", "Job"): _by_condition("Complete", "Failed"),
    GroupKind("", "Pod"): _by_phase("Succeeded", "Failed"),
    GroupKind("argoproj.io", "Workflow"): _by_phase("Succeeded", "Failed", "Error"),
    GroupKind("tekton.dev", "PipelineRun"): _TEKTON,
    GroupKind("tekton.dev", "TaskRun"): _TEKTON,
}
