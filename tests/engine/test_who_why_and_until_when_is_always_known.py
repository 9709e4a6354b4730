"""Invariant 6: a suspension, an override of a hold, an approval: who, why and an expiry, always."""

from __future__ import annotations

import dataclasses
import inspect
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.harness import EngineUnderTest, config_map, deployment, make_engine
from tests.engine.virtual_time import in_virtual_time, now

from shoal.engine.approving import APPROVAL_LASTS
from shoal.engine.controller import Controller
from shoal.engine.views.changes import HoldView
from shoal.model.holds import RELEASED_BY, Approval, HoldCause
from shoal.model.records import Deed

# What only asks for work that is due anyway, what only looks, and what only writes down.
ASKS = frozenset({"sync", "refresh", "resume", "test_alert", "resend_alert", "mention"})
OVERRIDES = {
    name: inspect.signature(verb).parameters
    for name, verb in inspect.getmembers(Controller, inspect.iscoroutinefunction)
    if "who" in inspect.signature(verb).parameters and name not in ASKS
}


def test_every_verb_that_overrides_something_asks_who_and_why() -> None:
    assert {"suspend", "approve", "revert"} <= OVERRIDES.keys()
    for name, parameters in OVERRIDES.items():
        for asked in ("who", "reason"):
            assert parameters[asked].default is inspect.Parameter.empty, f"{name}: {asked}"
    assert OVERRIDES["suspend"]["until"].default is inspect.Parameter.empty


def test_an_approval_cannot_be_made_without_who_why_and_an_expiry() -> None:
    fields = {each.name: each for each in dataclasses.fields(Approval)}

    for name in ("by", "reason", "at", "until"):
        assert fields[name].default is dataclasses.MISSING
        assert fields[name].default_factory is dataclasses.MISSING


@pytest.mark.parametrize("cause", HoldCause, ids=str)
def test_every_hold_has_a_command_that_releases_it_and_asks_why(cause: HoldCause) -> None:
    said = RELEASED_BY[cause]

    assert said.startswith("shoal ")
    assert "--reason" in said or cause is HoldCause.SUSPENDED


async def held(engine: EngineUnderTest, cause: HoldCause) -> HoldView:
    def look() -> HoldView | None:
        return next((each for each in engine.controller.holds() if each.cause == cause), None)

    found = await engine.until(look, f"a hold {cause}")
    assert found is not None
    return found


async def bring_about(engine: EngineUnderTest, cause: HoldCause) -> None:
    """Let something happen that is held for this cause."""
    files = engine.documents.files
    match cause:
        case HoldCause.SHRUNK_RENDER:
            engine.source.commit(shop__web=deployment())
        case HoldCause.PRUNE_BUDGET:
            kept = {f"shop__m{each}": config_map(f"m{each}") for each in range(4)}
            engine.source.commit(**kept)
        case HoldCause.GATE:
            engine.gate.refuses = lambda proposal: "not today"
            engine.declare_application("shop", gates=[{"asking": {}}])
            engine.source.commit(**everything(color="red"))
        case HoldCause.REMOVING:
            engine.remove_application("shop")
        case HoldCause.REMOVAL_BUDGET:
            files["broken.yaml"] = b"{kind: ["
            engine.remove_application("shop")
        case HoldCause.IDENTITY_CHANGED:
            engine.clusters["one"].uid = "uid-of-a-stranger"
        case _:
            raise NotImplementedError(cause)


def everything(**data: str) -> dict[str, object]:
    objects = {f"shop__m{each}": config_map(f"m{each}", **data) for each in range(5)}
    return {**objects, "shop__web": deployment()}


APPROVED = [
    HoldCause.SHRUNK_RENDER,
    HoldCause.PRUNE_BUDGET,
    HoldCause.GATE,
    HoldCause.REMOVING,
    HoldCause.REMOVAL_BUDGET,
    HoldCause.IDENTITY_CHANGED,
]


@pytest.mark.parametrize("cause", APPROVED, ids=str)
@in_virtual_time
async def test_an_approval_is_recorded_with_who_and_why_and_ends(
    tmp_path: Path, cause: HoldCause
) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(**everything())

    async with engine.running():
        await engine.until_synced(revision)
        await bring_about(engine, cause)
        hold = await held(engine, cause)
        await engine.controller.approve(hold.id, who="ana", reason="it is meant")
        (approval,) = [each for each in engine.state.approvals.values() if each.hold == hold.id]
        (released,) = engine.store.recorded(Deed.HOLD_RELEASED)
        (placed, *_) = engine.store.recorded(Deed.HOLD_PLACED)

    assert (approval.by, approval.reason) == ("ana", "it is meant")
    assert now() < approval.until <= now() + APPROVAL_LASTS
    assert (released.who, released.why) == ("ana", "it is meant")
    assert placed.who
    assert placed.why


@in_virtual_time
async def test_a_suspension_says_who_and_why_and_ends_by_itself(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, "one")
    revision = engine.source.commit(**everything())

    async with engine.running():
        await engine.until_synced(revision)
        until = now() + timedelta(seconds=20)
        shop = engine.ref("shop")
        hold = await engine.controller.suspend(shop, who="ana", reason="look", until=until)
        (placed,) = engine.store.recorded(Deed.HOLD_PLACED)
        await engine.until_synced(engine.source.commit(**everything(color="red")))

    assert (hold.by, hold.reason, hold.until) == ("ana", "look", until)
    assert (placed.who, placed.why) == ("ana", "look")
    assert now() >= until
