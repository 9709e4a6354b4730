"""Progress while others are ill, and the end: all faults over, everything as Git says, and quiet.

"Equal to Git" is asked of the clusters, object by object, and not of the controller.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
from tests.simulation.cluster import DEPLOYMENT, Faults
from tests.simulation.observed import Write
from tests.simulation.people import approve_all, resume
from tests.simulation.strangers import leave
from tests.simulation.world import EVERYWHERE, World, target_of

from shoal.engine.views.applications import TargetPhase
from shoal.model.holds import HoldCause
from shoal.model.plans import Action

LOOK_SECONDS = 30.0
# A back-off is ten minutes at most, where a cluster forbids something, and jitter is on top.
PROGRESS_SECONDS = 25 * 60.0
SETTLED_WITHIN_SECONDS = 90 * 60.0
QUIET_SECONDS = 20 * 60.0
# Five probes in a row have failed by then, of five seconds each, and a start takes its time.
UNKNOWN_AFTER_SECONDS = 180.0


async def keep_looking(world: World) -> None:
    """Look at the world every now and then."""
    since: dict[str, float] = {}
    while True:
        await anyio.sleep(LOOK_SECONDS)
        for cluster in world.clusters.values():
            cluster.keep_a_snapshot()
            away = cluster.faults.is_unreachable or cluster.faults.hangs
            since[cluster.name] = since.get(cluster.name, anyio.current_time()) if away else 0.0
            if not away:
                del since[cluster.name]
        for invariant, why in [*_not_ready(world, since), *_no_progress(world)]:
            world.break_(invariant, why)


def _not_ready(world: World, since: dict[str, float]) -> Iterator[tuple[str, str]]:
    """What cannot be reached is not said to be as it should be."""
    process = world.process
    if process is None or not process.is_alive:
        return
    begun, now = max(process.started_at, 0.0), anyio.current_time()
    away = {name: now - max(at, begun) for name, at in since.items()}
    long = {name for name, seconds in away.items() if seconds > UNKNOWN_AFTER_SECONDS}
    for view in process.controller.targets() if long else ():
        if view.cluster in long and view.phase is TargetPhase.SYNCED:
            name, seconds = f"{view.application}@{view.cluster}", away[view.cluster]
            yield (
                "what_is_away_is_unknown",
                f"{name} is {view.phase}, and away for {seconds:g} s",
            )


def _no_progress(world: World) -> Iterator[tuple[str, str]]:
    """Whoever was left in peace is as Git says, whatever happens to the others."""
    disturbed = world.observed.disturbed
    for name, cluster in world.placed():
        last = max(disturbed[name], disturbed[cluster], disturbed[EVERYWHERE])
        if anyio.current_time() - last < PROGRESS_SECONDS or is_excused(world, name, cluster):
            continue
        for why in differences(world, name, cluster):
            yield "one_bad_thing_stalls_itself_only", why
            world.disturb(name)  # said once


def is_excused(world: World, name: str, cluster: str) -> bool:
    """Whether something is wrong with this target now, or a person has to decide."""
    there, declared = world.clusters[cluster], world.documents.declared()
    subjects = {f"default/{name}@{cluster}", f"default/{name}", f"cluster {cluster}"}
    return bool(
        there.faults.any()
        or there.served != type(there)().served
        or there.strangers
        or name in world.git.failing
        or name in world.git.stalled
        or name in world.refusing_gates
        or "broken.json" in world.git.histories[name].revisions[world.git.histories[name].head]
        or {name, cluster} & world.documents.broken
        or world.documents.is_unreadable
        or world.documents.is_empty
        or world.store_trouble
        or not declared.applications.issuperset(world.scenario.waited_for_by(name))
        or any(hold.subject in subjects for hold in world.memory.holds.values())
    )


def differences(world: World, name: str, cluster: str) -> list[str]:
    """What of an application is not as its head says."""
    target, objects = target_of(name, cluster), world.clusters[cluster].objects
    wanted, found = world.git.histories[name].wanted(), []
    for key, body in sorted(wanted.items()):
        live = objects.get(key)
        if live is None:
            found.append(f"{key} is missing on {cluster}")
        elif live.owner != target:
            found.append(f"{key} on {cluster} belongs to {live.owner}, not to {target}")
        elif any(live.body.get(part) != value for part, value in body.items()):
            found.append(f"{key} on {cluster} is not as Git says: {live.body}")
    for key, live in sorted(objects.items()):
        if live.owner == target and key not in wanted:
            found.append(f"{key} on {cluster} is left over of {target}")
    return found


def _left_over(world: World) -> list[str]:
    """What is there of applications that are not placed there, although the cluster is ours."""
    declared, found = world.documents.declared(), []
    for cluster in world.clusters.values():
        for key, live in sorted(cluster.objects.items()):
            owner = live.owner
            if owner is None or cluster.name not in declared.clusters:
                continue
            if not declared.is_placed(owner.application.name, cluster.name):
                found.append(f"{key} on {cluster.name} is left over of {owner}")
    return found


async def settle(world: World) -> None:
    """Everything is mended, and people do what is theirs to do: then all is as Git says."""
    _mend(world)
    last: list[str] = ["nothing was looked at"]
    with anyio.move_on_after(SETTLED_WITHIN_SECONDS):
        while last:
            await anyio.sleep(LOOK_SECONDS)
            for hold in tuple(world.memory.holds.values()):
                if hold.cause is HoldCause.SUSPENDED:
                    await resume(world, hold.subject.partition("/")[2])
            await approve_all(world)
            last = [why for each in world.placed() for why in differences(world, *each)]
            last += _left_over(world)
    for why in last[:5]:
        world.break_("in_the_end_all_is_as_git_says", why)
    if not last:
        await _be_quiet(world)
        _hear(world)
    _explain(world)


def _mend(world: World) -> None:
    world.note("mended", "all faults are over")
    for history in world.git.histories.values():
        history.mend()
    for cluster in world.clusters.values():
        cluster.faults = Faults()
        cluster.make_well(key for key in cluster.objects if key.group_kind == DEPLOYMENT)
        leave(cluster)
    for place in world.places.values():
        place.faults.clear()
    world.documents.muted_until.clear()
    world.documents.is_mended = True


async def _be_quiet(world: World) -> None:
    """At rest nothing is asked of a cluster, and nothing is written."""
    await anyio.sleep(15 * 60)  # what somebody has fought over is let go, and back-offs end
    requests = {each.name: each.requests for each in world.clusters.values()}
    commits = world.trace.counts["commits"]
    await anyio.sleep(QUIET_SECONDS)
    for cluster in world.clusters.values():
        if cluster.requests != requests[cluster.name]:
            count = cluster.requests - requests[cluster.name]
            world.break_("at_rest_nothing_is_sent", f"{count} requests to {cluster.name}")
    if world.trace.counts["commits"] != commits:
        world.break_("at_rest_nothing_is_sent", "something was written down")
    process = world.process
    if process is None:
        return
    busy = [view for view in process.controller.targets() if view.phase is not TargetPhase.SYNCED]
    for view in busy[:5]:
        if view.cluster in world.documents.declared().clusters:
            told = f"{view.application}@{view.cluster} is {view.phase}: {view.message}"
            world.break_("what_is_as_git_says_is_said_to_be", told)


def _hear(world: World) -> None:
    """Everybody who was to be told of something was, and knows that all is well again."""
    for invariant, why in world.hearing.left(world.disk.records, world.disk):
        world.break_(invariant, why)


def _explain(world: World) -> None:
    """Each write is in the ledger, also when its answer was lost or its controller was killed."""
    for (target, key), write in world.observed.unexplained.items():
        if _died_untold(world, write):
            continue
        told = f"{key} was written by {target} at {write.at:g} s, and no record says so"
        world.break_("every_write_is_explained", told)


def _died_untold(world: World, write: Write) -> bool:
    """Corrections go on while the disk is full; who is killed then had nowhere to write them."""
    sent, process = write.sent, world.process
    is_gone = process is None or process.number != sent.process
    return is_gone and sent.is_disk_full and sent.action is Action.CORRECT


async def verify_ledger(world: World) -> None:
    """The chain is whole after everything that happened."""
    process: Any = world.process
    broken = await process.store.verify_ledger() if process else None
    if broken is not None:
        world.break_("the_ledger_is_a_chain", f"record {broken} is not as it was written")
