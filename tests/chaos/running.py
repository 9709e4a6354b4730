"""One run from beginning to end: clusters, a repository, a controller, a schedule, a verdict."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio import to_thread
from tests.chaos.author import Author
from tests.chaos.controller import Child, OnDuty
from tests.chaos.evidence import Write, read_ledger, read_writes
from tests.chaos.faults import World
from tests.chaos.judging import Case, Verdict, judge
from tests.chaos.manifests import namespace_of
from tests.chaos.performing import Happened, Performance
from tests.chaos.recovering import Operation, operations, recoveries
from tests.chaos.schedule import Schedule
from tests.chaos.strangers import Strangers
from tests.chaos.victims import Victim, victim

from shoal.binaries import Progress
from shoal_clusters.controlplane.local import PLAIN, locate_programs
from shoal_clusters.demo.git_server import GitServer

REPOSITORY = "apps"
_SETTLE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    happened: Happened
    verdict: Verdict
    asked: Sequence[Operation]
    writes: Sequence[Write]
    recovered: Sequence[float]
    starts: int
    approved: int


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: the schedule, over which clusters and applications; how long peace may take."""

    schedule: Schedule
    clusters: Sequence[str]
    applications: Sequence[str]
    peace_seconds: float


async def run_chaos(order: Order, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Run it in `folder`, which keeps every log; `say` hears how far it is."""

    def progress(message: str, fraction: float | None) -> None:
        if fraction in (None, 0.0):
            say(message)

    async with _world(order, folder, progress) as world:
        say("the fleet is equal to Git; chaos begins")
        chance = random.Random(f"choices {order.schedule.seed}")
        performance = Performance(world, order.schedule, chance, OnDuty(world.child))
        await performance.perform()
        say("peace: waiting until every cluster is equal to Git")
        await performance.until_equal(folder / "judge", order.peace_seconds)
        await world.child.stop()
        return await to_thread.run_sync(_conclude, world, performance)


@asynccontextmanager
async def _world(order: Order, folder: Path, progress: Progress) -> AsyncIterator[World]:
    seed = order.schedule.seed
    programs = await locate_programs(PLAIN, progress)
    progress(f"starting {len(order.clusters)} API servers, each with an etcd of its own", 0.0)
    async with AsyncExitStack() as stack:
        victims: dict[str, Victim] = {}
        for name in order.clusters:
            chance = random.Random(f"{name} {seed}")
            context = victim(name, folder / "clusters", programs, chance)
            victims[name] = await stack.enter_async_context(context)
            await _make_namespaces(victims[name], order.applications)
        repositories = folder / "repositories"
        await anyio.Path(repositories).mkdir(parents=True)
        author = Author(
            folder / "work",
            repositories / f"{REPOSITORY}.git",
            order.applications,
            random.Random(f"author {seed}"),
        )
        await to_thread.run_sync(author.begin)
        server = await stack.enter_async_context(GitServer(repositories))
        child = Child(folder)
        kubeconfigs = [(name, each.kubeconfig) for name, each in victims.items()]
        child.write_documents(server.url(REPOSITORY), kubeconfigs, order.applications)
        strangers = Strangers(victims, random.Random(f"strangers {seed}"))
        await child.start()
        stack.push_async_callback(child.stop)
        world = World(victims, child, server, author, strangers, anyio.Lock())
        await _settle(world, folder)
        yield world


async def _make_namespaces(cluster: Victim, applications: Sequence[str]) -> None:
    async with cluster.plane.client() as client:
        for name in applications:
            metadata = {"name": namespace_of(name)}
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
            await client.create("/api/v1/namespaces", body)


async def _settle(world: World, folder: Path) -> None:
    """Wait until the first sync is done everywhere; raises when it never is."""
    first = Performance(world, Schedule(0, 0, (), (), ()), random.Random(0), OnDuty(world.child))
    await first.until_equal(folder / "first", _SETTLE_SECONDS)
    if first.happened.problems:
        raise RuntimeError(f"the fleet never settled: {first.happened.problems[:5]}")


def _conclude(world: World, performance: Performance) -> Outcome:
    happened, author = performance.happened, world.author
    writes = [
        write
        for name, each in world.victims.items()
        for write in read_writes(each.plane.audit_log, name)
    ]
    in_git = {key for commit in author.commits for key in commit.changed}
    case = Case(
        writes=writes,
        ledger=read_ledger(world.child.database),
        blows=happened.blows,
        in_git=frozenset(in_git),
        strangers=frozenset(world.strangers.ever),
        late=frozenset().union(*(each.interceptor.late for each in world.victims.values())),
        heads=happened.heads,
    )
    verdict = judge(case)
    if happened.brought_back:
        verdict.excused["orphans that a backup brought back"] = len(happened.brought_back)
    verdict.violations[:0] = [*happened.problems, *performance.duty.refused]
    # What the fleet began with was written in peace.
    commits = [each for each in author.commits if each.at >= performance.began_at]
    asked = operations(commits, world.strangers.deeds, list(world.victims))
    return Outcome(
        happened,
        verdict,
        asked,
        writes,
        recoveries(asked, writes, happened.blows),
        world.child.starts,
        performance.duty.approved,
    )


def keep(folder: Path, where: Path) -> None:
    """Keep the logs of a run that failed; its data are left out."""
    shutil.rmtree(where, ignore_errors=True)
    shutil.copytree(
        folder,
        where,
        ignore=shutil.ignore_patterns("data", "saved", "mirrors", "*.sock", "repositories"),
    )
