"""The hold of a plan that gates refuse: what it says, and what an approval of it counts for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from shoal.model.choice import Choice, Spec
from shoal.model.holds import HoldCause
from shoal.model.plans import Action, Plan
from shoal.planning.holding import Refusal, gate_hold

Make = Callable[..., Plan]


def refusal(index: int, why: str, name: str = "window") -> Refusal:
    return Refusal(index, Choice(name, Spec()), why)


def test_a_plan_that_gates_refuse_waits_with_all_their_words(plan: Make, now: datetime) -> None:
    refused = (refusal(0, "it is night"), refusal(2, "no ticket", "ticket"))
    two = plan(("ConfigMap", Action.UPDATE), ("Secret", Action.CREATE))

    hold = gate_hold(two, refused, now)

    assert (hold.subject, hold.cause) == ("shop/web@prod", HoldCause.GATE)
    assert (hold.by, hold.since) == ("shoal", now)
    assert hold.reason == (
        "2 changes of shop/web on cluster prod wait, because "
        "spec.gates[0] (window) says: it is night; spec.gates[2] (ticket) says: no ticket"
    )


def test_one_change_is_spoken_of_as_one(plan: Make, now: datetime) -> None:
    hold = gate_hold(plan(("ConfigMap", Action.UPDATE)), [refusal(0, "no")], now)

    assert hold.reason.startswith("1 change of shop/web on cluster prod waits, because ")


def test_an_approval_counts_for_this_plan_and_these_gates_whatever_they_say(
    plan: Make, now: datetime
) -> None:
    one, other = plan(("ConfigMap", Action.UPDATE)), plan(("Secret", Action.UPDATE))
    hold = gate_hold(one, [refusal(0, "it is night")], now)

    assert hold.id == gate_hold(one, [refusal(0, "it is late")], now + timedelta(days=1)).id
    assert hold.id != gate_hold(other, [refusal(0, "it is night")], now).id
    assert hold.id != gate_hold(one, [refusal(0, "it is night", "ticket")], now).id
