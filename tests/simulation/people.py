"""What people do: they suspend, approve and ask for syncs, and may get no answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import anyio
from tests.simulation.world import World

from shoal.errors import ShoalError
from shoal.model.holds import Hold, HoldCause
from shoal.model.identity import Ref

PERSON = "ann"


async def suspend(world: World, name: str, until: datetime) -> None:
    """Suspend an application."""

    async def stop(controller: Any) -> None:
        ref = Ref("default", name)
        await controller.suspend(ref, who=PERSON, reason="a freeze", until=until)
        world.observed.suspended[name] = until
        world.note("suspended", name)

    await _as_a_person(world, stop)


async def sync(world: World, name: str) -> None:
    """Ask for a sync of an application."""

    async def ask(controller: Any) -> None:
        await controller.sync(Ref("default", name), who=PERSON)

    await _as_a_person(world, ask)


async def resume(world: World, name: str) -> None:
    """End a suspension, if there is one that was told."""

    async def lift(controller: Any) -> None:
        world.observed.suspended.pop(name, None)
        await controller.resume(Ref("default", name), who=PERSON, reason="the freeze is over")
        world.note("resumed", name)

    if any(hold.cause is HoldCause.SUSPENDED for hold in tuple(world.memory.holds.values())):
        await _as_a_person(world, lift)
    world.disturb(name)


async def approve_all(world: World) -> None:
    """Release every hold but suspensions, waits, and identities of what nobody replaced."""

    async def approve(controller: Any) -> None:
        for hold in [hold for hold in world.memory.holds.values() if _is_meant(world, hold)]:
            if hold.id not in world.memory.holds:
                continue
            # What a person says yes to counts from the moment in which it is said.
            world.approved(hold)
            await controller.approve(hold.id, who=PERSON, reason="looked at it")
            world.note("approved", f"{hold.cause} {hold.subject}")

    await _as_a_person(world, approve)


def _is_meant(world: World, hold: Hold) -> bool:
    # Who waits for another application goes on by itself: nobody helps, lest nobody sees it.
    if hold.cause in (HoldCause.SUSPENDED, HoldCause.DEPENDENCY):
        return False
    if hold.cause is HoldCause.IDENTITY_CHANGED:
        cluster = world.clusters[hold.subject.removeprefix("cluster ")]
        return hold.content == cluster.uid
    return True


async def _as_a_person(world: World, act: Callable[[Any], Awaitable[None]]) -> None:
    """Speak to the controller, if it runs; it may die before it answers, or refuse."""
    process = world.process
    if process is None or not process.is_alive or process.state.catalog is None:
        return
    with anyio.move_on_after(30) as scope:
        while process.is_alive:
            try:
                await act(process.controller)
            except ShoalError as error:
                world.note("refused", str(error))
            return
    if scope.cancelled_caught:
        world.note("unanswered", "a person gave up")
