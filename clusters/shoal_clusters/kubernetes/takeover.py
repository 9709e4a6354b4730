"""The takeover list: clients behind which a person sits, by the names that managedFields give them.

What such a client added to an object of ours was added by hand, and what it owns of an object that
is adopted becomes ours. Everybody else is taken for a controller, whose fields are kept: to fight a
controller is worse than to keep a field too many. An application may name more clients, or strike
some off (`sync.byHand`). Pure tables; `adding` and adoption read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

from shoal.model.policies import ByHand

BY_HAND: Mapping[str, str] = {
    "kubectl": "`kubectl apply --server-side`, and what is sent without a name of its own",
    "kubectl-*": "each command of kubectl writes under its own name, such as kubectl-edit",
    "oc": "OpenShift's kubectl",
    "k9s": "its own dialogs; its editor is kubectl-edit",
    "Lens": "Lens since its version 2023",
    "OpenLens": "builds of Lens without its licence",
    "freelens": "the fork that goes on",
    "node-fetch": "Lens before that: the library that it sends with (kustomize-controller#982)",
    "headlamp": "Headlamp as an application; in a browser it is Mozilla",
    "headlamp-server": "Headlamp in a cluster",
    "dashboard": "the Kubernetes Dashboard",
    "kubernetes-dashboard-api": "the Kubernetes Dashboard since version 3",
    "Mozilla": "what every browser calls itself: the consoles of OpenShift and Rancher pass it on",
}
"""Name, or pattern in the manner of a shell, and why its fields are a person's doing.

Not here is `rancher`: its controllers write annotations under that name on every workload.
"""

NOT_BY_HAND: Mapping[str, str] = {
    "kubectl-rollout": "`kubectl rollout restart` asks for new Pods and for nothing else; to take "
    "its annotation away would start them a second time",
    "kubectl-scale": "a number of replicas belongs to who scales",
    "kubectl-autoscale": "it writes HorizontalPodAutoscalers, and no field of what they scale",
}
"""Exceptions from the patterns above, each with its reason."""


def is_by_hand(manager: str, said: ByHand) -> bool:
    """Whether a person sits behind a field manager; what the application says of it wins."""
    return _is_by_hand(manager, said.also, said.never)


# There are few managers and fewer policies, and every event of a watch asks.
@lru_cache(maxsize=1024)
def _is_by_hand(manager: str, also: tuple[str, ...], never: tuple[str, ...]) -> bool:
    if _matches(manager, never):
        return False
    if _matches(manager, also):
        return True
    return manager not in NOT_BY_HAND and _matches(manager, BY_HAND)


def _matches(manager: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(manager, pattern) for pattern in patterns)
