"""`shoal wait`, and how commands wait: look first, then again and again until there is an answer.

What is so already is not waited for. What ends the wait early is what does not come right by
itself: something failed, or waits for a person. When the time is over, it is said which object of
which cluster is in the way, and why.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import click

from shoal.api.client import Client
from shoal.cli import completing
from shoal.cli.application_options import clusters_option
from shoal.cli.conditions import HEALTHY, SYNCED, Condition, ConditionType, is_revision
from shoal.cli.ending import Ending, note
from shoal.cli.finding import find_one
from shoal.cli.kinds import APPLICATION, CLUSTER, TARGET
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import DurationType, short_revision, span_of, with_glyph
from shoal.cli.printing import print_list
from shoal.cli.progress import saying_progress
from shoal.cli.tables import Item
from shoal.model.phrases import counted

POLL_SECONDS = 0.5
_SHARE = 4  # of the time goes by between looks, however long a look at a large fleet takes
_SHOWN = 20
_NOT_READ_YET = "Unknown"
# Nothing of this comes right without a person or a commit; Differs is only observed.
STUCK = frozenset({"Failed", "Held", "Removing", "Differs"})


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen: applications, and their targets on the clusters that count.

    `failing` applications failed as a whole: their targets may well look as they should.
    `is_current` is false while what was asked for cannot show yet.
    """

    targets: Sequence[Item]
    applications: Sequence[Item] = ()
    failing: Sequence[Item] = ()
    is_current: bool = True


Verdict = Callable[[Look, Look | None], Ending | None]


def look_until(
    look: Callable[[], Look], verdict: Verdict, timeout: timedelta
) -> tuple[Look, Ending | None]:
    """Look, now and every half second, until there is a verdict over two looks; None: too late.

    While it waits, it says each change of a target once, and what is in its way once that is known.
    """
    deadline = time.monotonic() + timeout.total_seconds()
    said: dict[str, str] = {}
    before: Look | None = None
    with saying_progress() as say:
        while True:
            started = time.monotonic()
            seen = look()
            ending = verdict(seen, before)
            if ending is not None or time.monotonic() >= deadline:
                return seen, ending
            for target in seen.targets:
                _say_change(target, said)
            before = seen
            left = span_of(timedelta(seconds=deadline - time.monotonic()))
            say(f"{left} left; {_tally(seen.targets)}")
            time.sleep(max(POLL_SECONDS, _SHARE * (time.monotonic() - started)))


def _tally(targets: Sequence[Item]) -> str:
    """`36 Synced, 2 Failed`."""
    counts = Counter(str(target["phase"]) for target in targets)
    return ", ".join(f"{count} {phase}" for phase, count in counts.items()) or "no target yet"


def await_documents(client: Client, timeout: timedelta) -> None:
    """A controller that has just started does not know yet which applications there are."""
    deadline = time.monotonic() + timeout.total_seconds()
    while client.get("fleet")["ready"] == _NOT_READ_YET and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def say_blockers(targets: Sequence[Item], heading: str) -> None:
    """Which object of which cluster is in the way, and why."""
    note(heading)
    for target in targets[:_SHOWN]:
        name = TARGET.identity(target)
        note(f"  {name}: {with_glyph(target['phase'])}, {with_glyph(target['health'])}")
        for line in _reasons(target):
            note(f"    {line}")
    if len(targets) > _SHOWN:
        note(f"  … and {len(targets) - _SHOWN} more; see `shoal get targets`")


def _reasons(target: Item) -> Iterator[str]:
    problems = target["problems"]
    for problem in problems[:_SHOWN]:
        yield f"{problem['object']}: {problem['reason']}: {problem['message']}".rstrip(": ")
    if not problems:
        yield target["message"] or "no reason is known"
    if target["next_step"]:
        yield f"next: {target['next_step']}"


def _say_change(target: Item, said: dict[str, str]) -> None:
    name, blocked = TARGET.identity(target), target["blocked"]
    state = f"{target['phase']} {target['health']} {blocked}"
    if said.get(name) != state:
        why = f": {target['message']}" if blocked else ""
        note(f"{name}: {with_glyph(target['phase'])}, {with_glyph(target['health'])}{why}")
        said[name] = state


def _has_failed(target: Item) -> bool:
    return bool(target["phase"] == "Failed")


@click.command()
@click.argument(
    "applications",
    metavar="APP...",
    nargs=-1,
    required=True,
    shell_complete=completing.applications,
)
@click.option(
    "-n", "--namespace", shell_complete=completing.namespaces, help="The namespace of each APP."
)
@clusters_option
@click.option(
    "--for",
    "conditions",
    type=ConditionType(),
    multiple=True,
    metavar="CONDITION",
    help="synced, healthy, drift-free, held, phase=PHASE or revision=REV; repeatable, all must "
    "hold; synced and healthy when left out.",
)
@click.option(
    "--timeout", type=DurationType(), default="5m", show_default=True, help="How long to wait."
)
@prints
@asks
def wait(
    applications: tuple[str, ...],
    namespace: str | None,
    clusters: tuple[str, ...],
    conditions: tuple[Condition, ...],
    timeout: timedelta,
    output: Output,
    client: Client,
) -> int:
    """Wait until every cluster of each APP is as asked; at once when it is so already.

    Exit code 1 as soon as something failed or waits for a person, so that it cannot come true by
    itself; 7 when the time is over. Both say which object of which cluster is in the way, and why.
    """
    await_documents(client, timeout)
    wanted = [find_one(client, APPLICATION, each, namespace) for each in applications]
    for each in clusters:
        find_one(client, CLUSTER, each, None)
    waiting = _Waiting(client, wanted, clusters, conditions or (SYNCED, HEALTHY))
    seen, ending = look_until(waiting.look, waiting.verdict, timeout)
    print_list(output, TARGET, seen.targets)
    blockers = waiting.blockers(seen)
    if ending is Ending.OK:
        return ending
    what = " and ".join(each.text for each in waiting.conditions)
    if ending is None:
        _say_where(seen)
        count = f"{len(blockers)} of {len(seen.targets)}"
        say_blockers(blockers, f"after {span_of(timeout)}, {count} are not {what}:")
        return Ending.TIMEOUT
    _say_failing(seen)
    if stuck := waiting.stuck(seen):
        say_blockers(stuck, f"this does not become {what} by itself:")
    return Ending.NO


def _say_where(seen: Look) -> None:
    """What the applications say themselves: no cluster, a source that cannot be read."""
    for each in seen.applications:
        at = short_revision(each["revision"]) or "no revision yet"
        told = f": {each['message']}" if each["message"] else ""
        clusters = counted(each["clusters"], "cluster")
        note(f"{APPLICATION.identity(each)} is at {at} on {clusters}{told}")


def _say_failing(seen: Look) -> None:
    """What fails as a whole, at the revision at which it does: no target says that of itself."""
    for each in seen.failing:
        at = short_revision(each["tried_revision"])
        where = f" at {at}" if at else ""
        note(f"{APPLICATION.identity(each)} failed{where}: {each['message']}")
        if each["next_step"]:
            note(f"  next: {each['next_step']}")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What is waited for, and where."""

    client: Client
    wanted: Sequence[Item]
    clusters: Sequence[str]
    conditions: Sequence[Condition]

    def look(self) -> Look:
        """The applications and their targets now."""
        applications: list[Item] = []
        targets: list[Item] = []
        failing: list[Item] = []
        for each in self.wanted:
            where, what = each["namespace"], each["name"]
            found = self.client.items("targets", namespace=where, application=what)
            for one in self.client.items("applications", namespace=where, name=what):
                applications.append(one)
                if one["phase"] == "Failed" and not any(map(_has_failed, found)):
                    failing.append(one)
            targets += (
                one for one in found if not self.clusters or one["cluster"] in self.clusters
            )
        return Look(targets, applications, failing)

    def verdict(self, seen: Look, before: Look | None) -> Ending | None:
        """Done, or hopeless in two looks in a row: what was just granted may look as it did."""
        hopeless = self._hopeless(seen)
        is_there = len(self._names(seen)) == len(self.wanted)
        if is_there and not hopeless and not self.blockers(seen):
            return Ending.OK
        if hopeless and before is not None and hopeless == self._hopeless(before):
            return Ending.NO
        return None

    def _hopeless(self, seen: Look) -> list[Item]:
        """What keeps it from coming true by itself; a commit that is waited for may mend it."""
        decided = self._decided(seen)
        failing = [each for each in seen.failing if APPLICATION.identity(each) in decided]
        return [*self.stuck(seen), *failing]

    def blockers(self, seen: Look) -> list[Item]:
        """The targets of which something is not so yet."""
        of = {APPLICATION.identity(each): each for each in seen.applications}
        return [
            target
            for target in seen.targets
            if not all(
                each.holds(target, of[TARGET.identity(target).partition("@")[0]])
                for each in self.conditions
            )
        ]

    def stuck(self, seen: Look) -> list[Item]:
        """Those of them that do not change by themselves.

        Until a revision that is waited for was decided, a failure may be one that it mends.
        """
        decided = self._decided(seen)
        return [
            target
            for target in self.blockers(seen)
            if target["phase"] in STUCK and TARGET.identity(target).partition("@")[0] in decided
        ]

    def _decided(self, seen: Look) -> set[str]:
        """The applications whose failures count; none where being stuck is what is waited for.

        Where a revision is waited for, they count once it was tried.
        """
        if any(each.allows_stuck for each in self.conditions):
            return set()
        revisions = [
            each.text.partition("=")[2]
            for each in self.conditions
            if each.text.startswith("revision=")
        ]
        return {
            APPLICATION.identity(each)
            for each in seen.applications
            if all(is_revision(each["tried_revision"], revision) for revision in revisions)
        }

    def _names(self, seen: Look) -> set[str]:
        """The applications that have a target."""
        return {TARGET.identity(target).partition("@")[0] for target in seen.targets}
