"""The Pods below an application's workloads, asked of its clusters when a person looks.

The only part of a tree that is not known already. A few clusters at a time, and not more than a
person can read: who wants more narrows it. A cluster that gives no answer, or does not allow it, is
named, and the rest of the tree stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import anyio

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.engine.state import EngineState
from shoal.engine.views.applications import TreeObject, TreePod, TreeView
from shoal.errors import InvalidQuery, ShoalError
from shoal.hooks.targets import DescendingSession
from shoal.model.descents import Descent
from shoal.model.health import SEVERITY, HealthState
from shoal.model.identity import Ref, TargetKey
from shoal.model.phrases import counted

ASK_SECONDS = 20.0
MOST_CLUSTERS = 20
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Descending:
    """Completes a tree by what only clusters know."""

    state: EngineState
    guard: Guard

    async def with_pods(
        self, tree: TreeView, application: Ref, is_meant: Callable[[str], bool]
    ) -> TreeView:
        """The tree with the Pods of each workload; InvalidQuery when that asks too many."""
        targets = [
            each.key for each in self.state.targets_of(application) if is_meant(each.key.cluster)
        ]
        if len(targets) > MOST_CLUSTERS:
            raise InvalidQuery(
                f"the Pods of {counted(len(targets), 'cluster')} are more than anybody reads: "
                f"{MOST_CLUSTERS} at most",
                next_step="name some with -c",
            )
        found: dict[TargetKey, Descent] = {}
        gaps: list[str] = []
        limiter = anyio.CapacityLimiter(_AT_ONCE)

        async def look(target: TargetKey) -> None:
            try:
                async with limiter:
                    found[target] = await self._ask(target)
            except ShoalError as error:
                gaps.append(f"{target.cluster}: {error.message}")

        async with anyio.create_task_group() as tasks:
            for target in targets:
                tasks.start_soon(look, target)
        gaps += [f"{key.cluster}: {gap}" for key, each in found.items() for gap in each.gaps]
        pods = _by_object(found)
        return replace(
            tree,
            objects=[_with(one, pods.get((one.kind, one.object), ())) for one in tree.objects],
            gaps=sorted(gaps),
        )

    async def _ask(self, target: TargetKey) -> Descent:
        session: Any = self.state.session(target.cluster)
        if not isinstance(session, DescendingSession):
            return Descent((), ("its Pods cannot be looked at",))
        return await self.guard.ask(
            "target",
            "pods",
            str(target),
            lambda: session.pods(target),
            seconds=ASK_SECONDS,
            answer=answers.descent,
        )


def _by_object(found: Mapping[TargetKey, Descent]) -> Mapping[tuple[str, str], list[TreePod]]:
    pods: dict[tuple[str, str], list[TreePod]] = {}
    for target, descent in found.items():
        for pod in descent.pods:
            name = f"{pod.owner.namespace}/{pod.owner.name}"
            pods.setdefault((str(pod.owner.group_kind), name), []).append(
                TreePod(
                    target.cluster,
                    pod.name,
                    pod.through,
                    pod.health.state.value,
                    pod.health.reason,
                )
            )
    return pods


def _with(one: TreeObject, pods: Sequence[TreePod]) -> TreeObject:
    """The worst first."""
    ordered = sorted(
        pods, key=lambda pod: (-SEVERITY[HealthState(pod.health)], pod.cluster, pod.name)
    )
    return replace(one, pods=ordered)
