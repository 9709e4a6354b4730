"""The gate `cel`: lets a plan pass when its expression is true.

An expression sees the plan, the application, the cluster, counts and the time, as plain values, and
nothing else: what it says depends on these alone. The values of Secrets are masked in patches
before they come here. A rule that reads what is not there refuses, and says which field it was.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from pydantic import Field

from shoal.errors import ExpressionFailed
from shoal.hooks.gates import Proposal
from shoal.hooks.host import Host
from shoal.model.choice import Spec
from shoal.model.expressions import is_true, over
from shoal.model.plans import Action, Change

_SHOWN = 120
"""Characters of an expression in a sentence: one line on a terminal."""
_WORDS = {Action.HAND_OVER: "handOver"}
"""Actions whose word is no name in an expression."""


class CelSpec(Spec):
    """One rule over a plan. Several rules are several gates.

    It knows `plan` (`hash`, `revision`, and `changes`, each with `action`, `group`, `kind`,
    `namespace`, `name`, `cause` and `patch`), `application` (`namespace`, `name`, `labels`),
    `cluster` (`name`, `labels`, `values`), `counts` by action with their `total`, and `now`.
    """

    allow: Annotated[str, over("plan", "application", "cluster", "counts", "now")] = Field(
        description="A CEL expression that is true for a plan that may be carried out."
    )
    message: str = Field(
        default="",
        description="Why not, for people: one clause, such as `namespaces belong to the "
        "platform team`; the expression itself when left out.",
    )


class CelGate:
    """Evaluates one rule; keeps nothing."""

    name = "cel"
    spec = CelSpec

    async def evaluate(self, spec: CelSpec, proposal: Proposal, host: Host) -> str | None:
        """None when the rule is true."""
        values = values_of(proposal, with_patches="patch" in spec.allow)
        try:
            if is_true(spec.allow, values):
                return None
        except ExpressionFailed as error:
            return f"its rule cannot be evaluated, so nothing is written: {error}"
        return spec.message or f"its rule is not true: {_cut(spec.allow)}"


def values_of(proposal: Proposal, *, with_patches: bool) -> dict[str, Any]:
    """What an expression sees. Patches are made only for a rule that speaks of them."""
    plan, cluster = proposal.plan, proposal.cluster
    counts = Counter(_word(change.action) for change in plan.changes)
    return {
        "plan": {
            "hash": plan.hash,
            "revision": proposal.revision,
            "changes": [_change(each, proposal, with_patches) for each in plan.changes],
        },
        "application": {
            "namespace": plan.target.application.namespace,
            "name": plan.target.application.name,
            "labels": dict(proposal.labels),
        },
        "cluster": {
            "name": cluster.name,
            "labels": dict(cluster.labels),
            "values": dict(cluster.values),
        },
        "counts": {
            **{_word(action): counts[_word(action)] for action in Action},
            "total": len(plan.changes),
        },
        "now": proposal.now,
    }


def _change(change: Change, proposal: Proposal, with_patches: bool) -> dict[str, Any]:
    key = change.key
    told: dict[str, Any] = {
        "action": _word(change.action),
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "cause": change.cause,
    }
    if with_patches:
        patch = change.patch if change.patch is not None else proposal.patch_of(key)
        if patch is not None:
            # A `test` only says what was there before; a rule asks what comes.
            told["patch"] = [dict(each) for each in patch if each.get("op") != "test"]
    return told


def _word(action: Action) -> str:
    return _WORDS.get(action, action.value)


def _cut(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= _SHOWN else folded[: _SHOWN - 1] + "…"
