"""What an event does to the world, and what it takes back when it is over.

One function per kind, by the kind's name: it does what happens and gives what ends it, or nothing.
Names of kinds and how often they come are in `schedule`.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import anyio
from tests.engine.virtual_time import now
from tests.simulation.cluster import DEGRADED, HEALTHY, PROGRESSING, SimulatedCluster
from tests.simulation.git import ERRORS
from tests.simulation.people import approve_all, resume, suspend, sync
from tests.simulation.receiver import FAULTS
from tests.simulation.schedule import Event
from tests.simulation.strangers import delete, edit, empty, put_in_the_way, take
from tests.simulation.world import EVERYWHERE, World

from shoal.errors import ForbiddenByCluster
from shoal.model.identity import GroupKind, ObjectKey
from shoal.testing.fake_cluster import SERVED

End = Callable[[], None]
Happening = Callable[[World, Event, random.Random], Awaitable[End | None]]
_HAPPENINGS: dict[str, Happening] = {}


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


def _kind(name: str) -> Callable[[Happening], Happening]:
    def register(happening: Happening) -> Happening:
        _HAPPENINGS[name] = happening
        return happening

    return register


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
        history.head = older
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


# -- clusters ----------------------------------------------------------------------------------


def _fault(name: str) -> Happening:
    async def happening(world: World, event: Event, draw: random.Random) -> End:
        faults = world.clusters[event.subject].faults
        setattr(faults, name, True)
        return lambda: setattr(faults, name, False)

    return happening


for _name, _field in {
    "unreachable": "is_unreachable",
    "hangs": "hangs",
    "slow": "is_slow",
    "answers lost": "loses_answers",
    "applies lost": "loses_applies",
    "credential refused": "refuses_credential",
    "busy": "is_busy",
    "session breaks": "breaks_sessions",
}.items():
    _HAPPENINGS[_name] = _fault(_field)


@_kind("flapping")
async def _flapping(world: World, event: Event, draw: random.Random) -> None:
    faults = world.clusters[event.subject].faults
    until = anyio.current_time() + event.seconds
    try:
        while anyio.current_time() < until:
            faults.is_unreachable = not faults.is_unreachable
            world.disturb(event.subject)
            await anyio.sleep(draw.uniform(1, 40))
    finally:
        faults.is_unreachable = False


@_kind("another cluster answers")
async def _another(world: World, event: Event, draw: random.Random) -> End:
    faults = world.clusters[event.subject].faults
    faults.answers_as = f"uid-{draw.randrange(10**6)}"
    return lambda: setattr(faults, "answers_as", "")


@_kind("replaced")
async def _replaced(world: World, event: Event, draw: random.Random) -> None:
    """Somebody set the cluster up anew, under the same name; people will say that it is meant."""
    cluster = world.clusters[event.subject]
    cluster.uid = f"{cluster.uid}-again"
    cluster.faults.answers_as = ""
    cluster.snapshots.clear()
    empty(cluster)


@_kind("rolled back")
async def _rolled_back(world: World, event: Event, draw: random.Random) -> None:
    """Its etcd was restored from an older snapshot."""
    cluster = world.clusters[event.subject]
    if cluster.snapshots:
        cluster.restore(draw.choice(cluster.snapshots))


@_kind("partial discovery")
async def _partial(world: World, event: Event, draw: random.Random) -> End:
    cluster = world.clusters[event.subject]
    lost = GroupKind("apps", "Deployment") if draw.random() < 0.5 else GroupKind("", "ConfigMap")
    cluster.served = set(SERVED) - {lost}

    def end() -> None:
        cluster.served = set(SERVED)

    return end


@_kind("watch dropped")
async def _deaf(world: World, event: Event, draw: random.Random) -> End:
    cluster = world.clusters[event.subject]
    cluster.faults.is_deaf = True

    def end() -> None:
        cluster.faults.is_deaf = False
        cluster.hear_again(key for name, key in world.rows if name == cluster.name)

    return end


@_kind("objects refused")
async def _refused(world: World, event: Event, draw: random.Random) -> End:
    cluster = world.clusters[event.subject]
    # What a server calls invalid waits for a commit; this ends by itself, and so must its trouble.
    error = ForbiddenByCluster("a quota is used up")
    keys = frozenset(key for key in _owned(world, cluster) if draw.random() < 0.4)
    cluster.refusals.update(dict.fromkeys(keys, error))
    cluster.faults.refused = keys

    def end() -> None:
        cluster.faults.refused = frozenset()
        for key in keys:
            cluster.refusals.pop(key, None)

    return end


@_kind("unhealthy")
async def _unhealthy(world: World, event: Event, draw: random.Random) -> End:
    cluster = world.clusters[event.subject]
    keys = frozenset(key for key in _owned(world, cluster) if key.kind == "Deployment")
    cluster.make_ill(keys, draw.choice((PROGRESSING, DEGRADED)))

    def end() -> None:
        cluster.faults.unhealthy = frozenset()
        for key in sorted(keys & cluster.objects.keys()):
            cluster.set_health(key, HEALTHY)

    return end


def _owned(world: World, cluster: SimulatedCluster) -> list[ObjectKey]:
    return sorted(key for name, key in world.rows if name == cluster.name)


# -- strangers ---------------------------------------------------------------------------------


@_kind("edited")
async def _edited(world: World, event: Event, draw: random.Random) -> None:
    await edit(world.clusters[event.subject], draw)


@_kind("fields added")
async def _added(world: World, event: Event, draw: random.Random) -> None:
    await edit(world.clusters[event.subject], draw, adds=True)


@_kind("deleted")
async def _deleted(world: World, event: Event, draw: random.Random) -> None:
    await delete(world.clusters[event.subject], draw)


@_kind("emptied")
async def _emptied(world: World, event: Event, draw: random.Random) -> None:
    empty(world.clusters[event.subject])


@_kind("taken")
async def _taken(world: World, event: Event, draw: random.Random) -> None:
    take(world.clusters[event.subject], draw)


@_kind("in the way")
async def _in_the_way(world: World, event: Event, draw: random.Random) -> None:
    cluster = world.clusters[event.subject]
    names = draw.sample(world.scenario.applications, 1)
    await put_in_the_way(cluster, world.git.histories[names[0]], draw)


@_kind("fought over")
async def _fought(world: World, event: Event, draw: random.Random) -> None:
    """Somebody else's controller writes the same fields again and again."""
    cluster = world.clusters[event.subject]
    until, number = anyio.current_time() + event.seconds, draw.randrange(10**6)
    while anyio.current_time() < until:
        await edit(cluster, random.Random(number))
        world.disturb(event.subject)
        await anyio.sleep(draw.uniform(1, 20))


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


@_kind("store full")
async def _store_full(world: World, event: Event, draw: random.Random) -> End:
    world.store_trouble.add(event.number)
    return lambda: world.store_trouble.discard(event.number)


@_kind("store slow")
async def _store_slow(world: World, event: Event, draw: random.Random) -> End:
    world.store_slowness.add(event.number)
    return lambda: world.store_slowness.discard(event.number)
