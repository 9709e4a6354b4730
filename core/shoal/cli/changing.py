"""The verbs: `sync`, `suspend`, `resume`, `approve`. Who is the local user; why is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import click

from shoal.api.answers import fields_alone
from shoal.api.client import Client
from shoal.cli import completing
from shoal.cli.answering import partial_over
from shoal.cli.application_options import application_argument, clusters_option, namespace_option
from shoal.cli.ending import Ending, note, worse
from shoal.cli.finding import find_one
from shoal.cli.kinds import APPLICATION, HOLD, TARGET, split_name
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import DurationType, now_utc, read_time, span_of
from shoal.cli.printing import print_item, print_list
from shoal.cli.tables import Item
from shoal.cli.waiting import Look, look_until, say_blockers

_MOVING = frozenset({"Pending", "Syncing", "Removing"})
_DAY = timedelta(hours=24)


@click.command()
@application_argument
@namespace_option
@clusters_option
@click.option(
    "--rerun",
    is_flag=True,
    help="Run again what runs to its end and has ended, such as a Job: it is deleted and created.",
)
@click.option("--wait", is_flag=True, help="Wait until every cluster is synced, or cannot be.")
@click.option(
    "--timeout",
    type=DurationType(),
    default="5m",
    show_default=True,
    help="How long to wait.",
)
@prints
@asks
def sync(
    application: str,
    namespace: str | None,
    clusters: tuple[str, ...],
    rerun: bool,
    wait: bool,
    timeout: timedelta,
    output: Output,
    client: Client,
) -> int:
    """Sync APP now: fetch its source, and look at each of its objects on every cluster.

    With --wait the exit code tells how it ended: 1 when a cluster failed or is held, 6 when one
    does not answer, 7 when it took too long.
    """
    where, what = split_name(application, namespace)
    body = {"clusters": list(clusters) or None, "rerun": rerun}
    client.post("applications", where, what, "sync", body=body)
    if not wait:
        note(f"sync of {where}/{what} is asked for; see `shoal get targets {where}/{what}`")
        print_item(output, APPLICATION, find_one(client, APPLICATION, what, where))
        return Ending.OK
    targets, ending = _wait(client, where, what, clusters, timeout)
    print_list(output, TARGET, targets)
    one = find_one(client, APPLICATION, what, where)
    if one["phase"] == "Failed":
        if not targets:
            note(f"{where}/{what}: {one['message']}")
        ending = Ending.NO
    return worse(ending, partial_over(client, {str(target["cluster"]) for target in targets}))


def _wait(
    client: Client, namespace: str, name: str, clusters: Sequence[str], timeout: timedelta
) -> tuple[list[Item], Ending]:
    """Wait until fleet and source were read anew and no target moves, or the time is over.

    Between a fetch and the plans made of it, targets still look as before: only two equal looks
    in a row end the wait.
    """
    asked_at = now_utc()

    def look() -> Look:
        is_read = _is_read(client, asked_at)
        is_fetched = is_read and _is_fetched(client, namespace, name, asked_at)
        found = client.items("targets", namespace=namespace, application=name)
        targets = [item for item in found if not clusters or item["cluster"] in clusters]
        return Look(targets, is_current=is_fetched)

    def verdict(seen: Look, before: Look | None) -> Ending | None:
        is_settled = seen.is_current and seen == before and not _moving(seen)
        return _verdict(seen.targets) if is_settled else None

    seen, ending = look_until(look, verdict, timeout)
    if ending is None:
        _say_blockers(seen, timeout)
        ending = worse(Ending.TIMEOUT, _verdict(seen.targets))
    return list(seen.targets), ending


def _moving(seen: Look) -> list[Item]:
    return [target for target in seen.targets if target["phase"] in _MOVING]


def _is_read(client: Client, asked_at: datetime) -> bool:
    """Was the fleet looked at since? Its documents may say something else of the application."""
    looked_at = read_time(client.get("fleet")["looked_at"])
    return looked_at is not None and looked_at >= asked_at


def _is_fetched(client: Client, namespace: str, name: str, asked_at: datetime) -> bool:
    """Was the application's source looked at since, or is it known that it cannot be read?"""
    for application in client.items("applications", namespace=namespace, name=name):
        where, _, what = str(application["source"]).partition("/")
        for source in client.items("sources", namespace=where, name=what):
            fetched_at = read_time(source["fetched_at"])
            if source["ready"] != "False" and (fetched_at is None or fetched_at < asked_at):
                return False
    return True


def _say_blockers(seen: Look, timeout: timedelta) -> None:
    if not seen.is_current:
        what = "the fleet or the source has not been read; see `shoal status`, `shoal get sources`"
        note(f"after {span_of(timeout)}, {what}")
    moving = _moving(seen)
    if moving:
        count = f"{len(moving)} of {len(seen.targets)}"
        say_blockers(moving, f"after {span_of(timeout)}, {count} clusters are not done:")


def _verdict(targets: Sequence[Item]) -> Ending:
    phases = {target["phase"] for target in targets}
    if phases & {"Failed", "Held", "Drifted"}:
        return Ending.NO
    return Ending.PARTIAL if "Unknown" in phases else Ending.OK


@click.command()
@application_argument
@namespace_option
@click.option("-r", "--reason", required=True, help="Why; it is recorded.")
@click.option(
    "--for",
    "duration",
    type=DurationType(),
    default=_DAY,
    show_default="24h",
    help="For how long; it resumes by itself then.",
)
@prints
@asks
def suspend(
    application: str,
    namespace: str | None,
    reason: str,
    duration: timedelta,
    output: Output,
    client: Client,
) -> int:
    """Hold APP: nothing of it is written or corrected on any cluster until it is resumed."""
    where, what = split_name(application, namespace)
    body = {"reason": reason, "until": (now_utc() + duration).isoformat()}
    hold = client.post("applications", where, what, "suspend", body=body)
    print_item(output, HOLD, fields_alone(hold))
    note(f"{where}/{what} is suspended for {span_of(duration)}; `{hold['release']}` ends it")
    return Ending.OK


@click.command()
@application_argument
@namespace_option
@click.option("-r", "--reason", default="", help="Why; it is recorded.")
@prints
@asks
def resume(
    application: str, namespace: str | None, reason: str, output: Output, client: Client
) -> int:
    """End the suspension of APP; what has changed meanwhile is synced at once."""
    where, what = split_name(application, namespace)
    client.post("applications", where, what, "resume", body={"reason": reason})
    print_item(output, APPLICATION, find_one(client, APPLICATION, what, where))
    note(f"{where}/{what} is resumed")
    return Ending.OK


@click.command()
@click.argument("hold", metavar="HOLD|GROUP", shell_complete=completing.holds)
@click.option("-r", "--reason", required=True, help="Why; it is recorded.")
@prints
@asks
def approve(hold: str, reason: str, output: Output, client: Client) -> int:
    """Release HOLD, by the id that `shoal get holds` shows: what waits for it goes on.

    GROUP releases all holds of the same change, on whatever cluster; within a day also those that
    are still to come.
    """
    released = client.post("holds", hold, "approve", body={"reason": reason})["items"]
    if hold == released[0]["id"]:
        print_item(output, HOLD, released[0])
    else:
        print_list(output, HOLD, released)
    for each in released:
        note(f"{each['id']} is released: {each['cause']} of {each['subject']}")
    return Ending.OK
