"""What an event does to the world, and what it takes back when it is over.

Here is what happens to Git, documents, people and Shoal itself; what happens to clusters is in
`cluster_happenings`. Names of kinds and how often they come are in `schedule`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta

import anyio
from tests.engine.virtual_time import now
from tests.simulation import cluster_happenings
from tests.simulation.git import ERRORS
from tests.simulation.kinds import End, Happening, registering
from tests.simulation.memory import Backup, Memory
from tests.simulation.people import approve_all, resume, suspend, sync
from tests.simulation.receiver import FAULTS
from tests.simulation.schedule import Event
from tests.simulation.world import EVERYWHERE, World

from shoal.model.records import Deed, Entry, Verdict
from shoal.store import RESTORED, Append, PutSetting
from shoal.testing.memory_store import MemoryDisk, MemoryStore

_HAPPENINGS: dict[str, Happening] = dict(cluster_happenings.HAPPENINGS)
_kind = registering(_HAPPENINGS)


def happenings() -> Mapping[str, Happening]:
    """By the name of their kind."""
    return _HAPPENINGS


async def happen(world: World, event: Event) -> None:
    """Let an event happen, and end."""
    subject = event.subject or EVERYWHERE
    world.note("event", f"{event.kind} {event.subject} {event.seconds:g}")
    world.trace.counts[f"event {event.kind}"] += 1
    world.disturb(subject)
    end = await _HAPPENINGS[event.kind](world, event, random.Random(event.number))
    if end is None:
        return
    try:
        await anyio.sleep(event.seconds)
    finally:
        end()
    world.note("over", f"{event.kind} {event.subject}")
    world.disturb(subject)


# -- Git and the fleet's documents -------------------------------------------------------------


@_kind("commit")
async def _commit(world: World, event: Event, draw: random.Random) -> None:
    what = world.git.histories[event.subject].commit_at_random(draw)
    world.note("commit", f"{event.subject}: {what}")


@_kind("revert")
async def _revert(world: World, event: Event, draw: random.Random) -> None:
    """An older content by a new commit, or by moving the branch back."""
    history = world.git.histories[event.subject]
    older = draw.randrange(len(history.revisions))
    if not history.revisions[older]:
        return
    if draw.random() < 0.5:
        history.move_to(older)
    else:
        history.commit(history.revisions[older])


@_kind("source fails")
async def _source_fails(world: World, event: Event, draw: random.Random) -> End:
    world.git.failing[event.subject] = draw.choice(ERRORS)
    return lambda: world.git.failing.pop(event.subject, None) and None


@_kind("source stalls")
async def _source_stalls(world: World, event: Event, draw: random.Random) -> End:
    world.git.stalled.add(event.subject)
    return lambda: world.git.stalled.discard(event.subject)


@_kind("application removed")
@_kind("cluster removed")
@_kind("alert removed")
async def _removed(world: World, event: Event, draw: random.Random) -> End | None:
    """For a while; some applications never come back."""
    world.documents.removed.add(event.subject)
    if event.kind == "application removed" and draw.random() < 0.3:
        return None
    return lambda: world.documents.removed.discard(event.subject)


@_kind("relabelled")
async def _relabelled(world: World, event: Event, draw: random.Random) -> End:
    before = world.documents.zones[event.subject]
    world.documents.zones[event.subject] = "b" if before == "a" else "a"

    def end() -> None:
        world.documents.zones[event.subject] = before

    return end


@_kind("document broken")
async def _broken(world: World, event: Event, draw: random.Random) -> End:
    world.documents.broken.add(event.subject)
    world.disturb(EVERYWHERE)
    return lambda: world.documents.broken.discard(event.subject)


@_kind("fleet unreadable")
async def _unreadable(world: World, event: Event, draw: random.Random) -> End:
    world.documents.is_unreadable = True

    def end() -> None:
        world.documents.is_unreadable = False

    return end


@_kind("fleet empty")
async def _fleet_empty(world: World, event: Event, draw: random.Random) -> End:
    world.documents.is_empty = True

    def end() -> None:
        world.documents.is_empty = False

    return end


# -- Alerts ------------------------------------------------------------------------------------


@_kind("receiver fails")
async def _receiver_fails(world: World, event: Event, draw: random.Random) -> End:
    places = world.documents.alerts[event.subject].places
    place, fault = world.places[draw.choice(places)], draw.choice(FAULTS)
    place.faults.add(fault)
    return lambda: place.faults.discard(fault)


@_kind("alert muted")
async def _muted(world: World, event: Event, draw: random.Random) -> None:
    """Until a time, which somebody may not wait for, and may leave in the document."""
    mutes = world.documents.muted_until
    mutes[event.subject] = anyio.current_time() + event.seconds
    if draw.random() < 0.3:
        await anyio.sleep(event.seconds * 0.4)
        mutes.pop(event.subject, None)


# -- people ------------------------------------------------------------------------------------


@_kind("suspended")
async def _suspended(world: World, event: Event, draw: random.Random) -> None:
    await suspend(world, event.subject, now() + timedelta(seconds=event.seconds))
    await anyio.sleep(event.seconds * draw.choice((0.3, 2)))
    await resume(world, event.subject)


@_kind("approves all")
async def _approves(world: World, event: Event, draw: random.Random) -> None:
    await approve_all(world)


@_kind("syncs")
async def _syncs(world: World, event: Event, draw: random.Random) -> None:
    await sync(world, event.subject)


@_kind("gate refuses")
async def _gate_refuses(world: World, event: Event, draw: random.Random) -> End:
    world.refusing_gates.add(event.subject)
    return lambda: world.refusing_gates.discard(event.subject)


# -- Shoal itself ------------------------------------------------------------------------------


@_kind("killed")
async def _killed(world: World, event: Event, draw: random.Random) -> None:
    for _ in range(draw.choice((0, 0, 1, 7, 30))):
        await anyio.sleep(0)
    world.kill()


@_kind("killed at work")
async def _killed_at_work(world: World, event: Event, draw: random.Random) -> None:
    world.kill_at_crossing(draw.choice((0, 1, 2, 3, 5, 8, 13, 21)))


@_kind("database lost")
async def _database_lost(world: World, event: Event, draw: random.Random) -> None:
    """The whole folder of the state is gone; what is made there is another installation."""
    disk = MemoryDisk(f"memory-{event.number}")
    world.put_in_place(Backup(disk, Memory(), {}, {}), is_believed=False)


@_kind("database put back")
async def _database_put_back(world: World, event: Event, draw: random.Random) -> None:
    """A backup, made when this began, takes the place of what was written since.

    By `shoal restore` and by a database that is older than its head it is known to be old; a copy
    of the whole folder tells nothing.
    """
    backup, is_marked = world.backed_up(), draw.random() < 0.6
    await anyio.sleep(event.seconds)
    if is_marked:
        old = Entry(now(), "ann", Deed.STATE_RESTORED, "the disk broke", "state", Verdict.NOTED)
        mark = PutSetting(RESTORED, now().isoformat())
        await MemoryStore(backup.disk).write(mark, Append(old))
    world.put_in_place(backup, is_believed=not is_marked)


@_kind("store full")
async def _store_full(world: World, event: Event, draw: random.Random) -> End:
    world.store_trouble.add(event.number)
    return lambda: world.store_trouble.discard(event.number)


@_kind("store slow")
async def _store_slow(world: World, event: Event, draw: random.Random) -> End:
    world.store_slowness.add(event.number)
    return lambda: world.store_slowness.discard(event.number)
