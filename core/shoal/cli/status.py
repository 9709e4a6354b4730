"""`shoal status`: the fleet on one screen, and whether a person is needed.

What is being corrected this very moment is counted and not told, and what many clusters have in
common is told once. What is on its way needs a person when it is known what is
in its way, and that this does not go away by itself. Exit code 1 when anything failed, drifted or
is not healthy; 6 when nothing did, as far as one can see, and some clusters do not answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from shoal.api.answers import fields_alone
from shoal.api.client import Client
from shoal.cli.answering import silent_clusters, told_silent
from shoal.cli.differences import on_clusters, said_of_drift
from shoal.cli.ending import Ending, worse
from shoal.cli.kinds import TARGET
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import (
    clean,
    colored,
    now_utc,
    read_time,
    relative,
    short_revision,
    span_of,
    with_glyph,
)
from shoal.cli.printing import print_one
from shoal.cli.tables import Item
from shoal.cli.troubles import Seen, Trouble, told_together
from shoal.engine.views.applications import BLOCKED
from shoal.model.holds import HoldCause
from shoal.model.phrases import and_more

BAD_PHASES = frozenset({"Failed", "Drifted"})
BAD_HEALTH = frozenset({"Degraded", "Missing"})
_TELLING = " or ".join(
    (
        *(f"phase={phase}" for phase in sorted(BAD_PHASES)),
        *(f"health={health}" for health in sorted(BAD_HEALTH)),
        "blocked",
        "phase=Syncing and next_step",
        "warnings",
    )
)
"""The targets that a person is told of; of a fleet that is well, none is sent."""
Place = tuple[str, str, str]
"""Namespace, application and cluster of a target."""
_CORRECTED_WITHIN = timedelta(seconds=30)  # what drifts longer is worth a look
_SHOWN = 10  # lines of trouble on one screen; the lists have the rest


@click.command()
@prints
@asks
def status(output: Output, client: Client) -> int:
    """The fleet on one screen; exit code 1 when anything failed, 6 when clusters do not answer."""
    fleet = client.get("fleet")
    clusters = client.items("clusters")
    silent = silent_clusters(clusters)
    targets = client.items("targets", where=_TELLING)
    failures = list(_failures(client, fleet, clusters, targets))
    waiting = list(told_together(_silent(silent)))
    waiting += told_together(_warnings(clusters))
    waiting += _stalls(fleet["stalls"])
    waiting += _held(client.items("holds"))
    waiting += _untold(client.items("alerts"))
    waiting += [*_hanging(targets), *_shared(targets)]
    fields = {
        "fleet": fields_alone(fleet),
        "failures": [asdict(one) for one in failures],
        "waiting": [asdict(one) for one in waiting],
        "clusters_silent": [cluster["name"] for cluster in silent],
    }
    lines = _screen(fleet, clusters, [*failures, *waiting], color=output.color)
    print_one(output, "FleetStatus", f"fleet/{fleet['name']}", fields, lambda: list(lines))
    return worse(Ending.NO if failures else Ending.OK, told_silent(silent, len(clusters)))


def _failures(
    client: Client, fleet: Item, clusters: Sequence[Item], targets: Sequence[Item]
) -> Iterator[Trouble]:
    for problem in fleet["problems"]:
        where = f"{problem['file']}:{problem['line']}" if problem["line"] else problem["file"]
        words = f"{problem['field']}: {problem['message']}".removeprefix(": ")
        yield Trouble("Failed", where, words, problem["next_step"])
    if fleet["ready"] == "False" and not fleet["problems"]:
        yield Trouble("Failed", "fleet", fleet["message"])
    if fleet["state_message"]:
        yield Trouble("Failed", "state", fleet["state_message"], fleet["state_next_step"])
    unread = set()
    for source in client.items("sources"):
        if source["ready"] == "False":
            unread.add(f"{source['namespace']}/{source['name']}")
            subject = f"source {source['namespace']}/{source['name']}"
            yield Trouble("Failed", subject, source["message"], source["next_step"])
    refused = (each for each in clusters if each["authorized"] == "False")
    yield from told_together(_of_cluster(each, "Failed", each["reason"], each) for each in refused)
    told = {
        (target["namespace"], target["application"], f"{target['cluster']}: {target['message']}")
        for target in targets
        if _is_bad(target)
    }
    for application in client.items("applications", phase="Failed"):
        key = (application["namespace"], application["name"])
        said = (*key, application["message"])  # of its worst target, or what is wrong as a whole
        if said not in told and application["source"] not in unread:
            yield Trouble("Failed", "/".join(key), application["message"], application["next_step"])
    drifted = {_place(target) for target in targets if target["phase"] == "Drifted"}
    drifts = [each for each in client.items("drifts") if drifted & _places(each)]
    for drift in drifts:
        if _is_being_corrected(drift):
            continue
        name = f"{drift['namespace']}/{drift['application']}"
        yield Trouble("Drifted", name, said_of_drift(drift), f"shoal drift list {name}")
    explained = drifted & {place for drift in drifts for place in _places(drift)}
    # The same drift on many clusters is one thing to decide about, and was told.
    bad = [each for each in targets if _is_bad(each) and _place(each) not in explained]
    yield from told_together(_of_target(each, _trouble(each)) for each in bad)


def _of_target(target: Item, trouble: Trouble) -> Seen:
    name = f"{target['namespace']}/{target['application']}"
    return Seen(trouble, name, target["cluster"], name, f"shoal describe app {name}")


def _of_cluster(cluster: Item, state: str, together: str, told: Item) -> Seen:
    name = cluster["name"]
    trouble = Trouble(state, f"cluster {name}", told["message"], told["next_step"])
    return Seen(trouble, "", name, together, "shoal get clusters")


def _silent(clusters: Sequence[Item]) -> Iterator[Seen]:
    """Clusters that do not answer, by what they answer instead."""
    for cluster in clusters:
        if cluster["message"] and cluster["authorized"] != "False":
            yield _of_cluster(cluster, "Unknown", cluster["reason"], cluster)


def _trouble(target: Item) -> Trouble:
    """A target that is not well: what is wrong, and where one reads more of it."""
    state = target["phase"] if target["phase"] in BAD_PHASES else target["health"]
    name, message = TARGET.identity(target), target["message"]
    if not (target["phase"] in BAD_PHASES or target["health"] in BAD_HEALTH):
        state, message = BLOCKED, _what_blocks(target)
    step = target["next_step"] or f"shoal describe target {name}"
    return Trouble(state, name, message, step)


def _what_blocks(target: Item) -> str:
    """`Deployment.apps shop/web: … ImagePullBackOff … (and 2 more)`; empty when nothing does."""
    found = [each for each in target["problems"] if each["reason"] == BLOCKED]
    return f"{found[0]['object']}: {found[0]['message']}{and_more(found)}" if found else ""


def _held(holds: Sequence[Item]) -> Iterator[Trouble]:
    """What waits for a person; the same change on many clusters is one thing to decide about.

    What waits for another application waits for nobody: if that is not well, it is told.
    """
    groups: dict[str, list[Item]] = {}
    for hold in holds:
        if hold["cause"] != HoldCause.DEPENDENCY:
            groups.setdefault(hold["group"] or hold["id"], []).append(hold)
    for group, same in groups.items():
        hold = same[0]
        told, where = f"{hold['cause']}: {hold['reason']}", hold["subject"].partition("@")
        if len(same) == 1:
            yield Trouble("Held", hold["subject"], told, hold["release"])
        else:
            clusters = on_clusters([each["subject"].partition("@")[2] for each in same])
            subject, next_step = f"{where[0]} {clusters}", f"shoal approve {group} --reason …"
            yield Trouble("Held", subject, f"{told}; the others likewise", next_step)


def _untold(alerts: Sequence[Item]) -> Iterator[Trouble]:
    """Who was to be told of something, and could not."""
    for alert in alerts:
        if alert["ready"] == "False":
            name = f"{alert['namespace']}/{alert['name']}"
            step = alert["next_step"] or f"shoal describe alert {name}"
            yield Trouble("Warning", f"alert {name}", alert["message"], step)


def _hanging(targets: Sequence[Item]) -> Iterator[Trouble]:
    """What goes on by itself once somebody has done what it waits for."""
    hanging = [
        each
        for each in targets
        if each["phase"] == "Syncing" and each["next_step"] and not _is_bad(each)
    ]
    return told_together(
        _of_target(
            each, Trouble("Syncing", TARGET.identity(each), each["message"], each["next_step"])
        )
        for each in hanging
    )


def _shared(targets: Sequence[Item]) -> Iterator[Trouble]:
    """Warnings of targets, the same on many clusters once."""
    alike: dict[tuple[str, ...], list[tuple[Item, Item]]] = {}
    for target in targets:
        for one in target["warnings"]:
            name = (target["namespace"], target["application"], one["reason"], one["about"])
            alike.setdefault(name, []).append((target, one))
    for (namespace, application, *_), found in sorted(alike.items()):
        where = on_clusters([target["cluster"] for target, _ in found])
        subject, one = f"{namespace}/{application} {where}", found[0][1]
        yield Trouble("Warning", subject, one["message"], one["next_step"])


def _is_being_corrected(drift: Item) -> bool:
    """Whether it is gone before anybody has read of it."""
    since = read_time(drift["since"])
    is_new = since is not None and now_utc() - since < _CORRECTED_WITHIN
    return is_new and drift["policy"] == "Correct"


def _warnings(clusters: Sequence[Item]) -> Iterator[Seen]:
    """What will not work for long; what a credential may not do is told by `get clusters`."""
    for cluster in clusters:
        for one in cluster["warnings"]:
            if one["reason"] != "Limited":
                yield _of_cluster(cluster, "Warning", one["reason"], one)


def _stalls(stalls: Sequence[Item]) -> Iterator[Trouble]:
    """Who kept the controller from doing anything at all, in the last hour."""
    for stall in stalls:
        message = f"it stood still for {stall['seconds']:.0f} s in {stall['call']}"
        yield Trouble(
            "Warning", "the controller", message, "see its log for where; tell the authors"
        )


def _place(target: Item) -> Place:
    return target["namespace"], target["application"], target["cluster"]


def _places(drift: Item) -> set[Place]:
    return {(drift["namespace"], drift["application"], each) for each in drift["clusters"]}


def _is_bad(target: Item) -> bool:
    return bool(
        target["phase"] in BAD_PHASES or target["health"] in BAD_HEALTH or target["blocked"]
    )


def _screen(
    fleet: Item, clusters: Sequence[Item], trouble: Sequence[Trouble], *, color: bool
) -> Iterator[str]:
    now = now_utc()
    name = clean(fleet["name"] or "(no name yet)")
    revision = short_revision(fleet["revision"])
    yield f"fleet {name}" + (f" at {clean(revision)}" if revision else "")
    yield f"  {clean(fleet['location'])}, loaded {relative(fleet['loaded_at'], now)}"
    if fleet["stale_since"]:
        since = f"Stale since {relative(fleet['stale_since'], now)}"
        yield f"  {colored(since, 'Unknown', color=color)}: what cannot be read stays as it was"
    started = read_time(fleet["started_at"])
    yield f"  shoal {fleet['version']}" + (f", up {span_of(now - started)}" if started else "")
    yield ""
    yield _row("clusters", len(clusters), _reach(clusters), color)
    yield _row("applications", fleet["applications"], {}, color)
    yield _row("targets", fleet["targets"], fleet["phases"], color)
    if any(fleet["health"].values()):
        yield _row("health", None, fleet["health"], color)
    if fleet["warnings"]:
        yield f"{'warnings':<13} {len(fleet['warnings']):>6}   `shoal validate` tells them"
    if not trouble:
        yield ""
        yield "nothing needs you"
        return
    yield ""
    yield "needs you"
    for one in trouble[:_SHOWN]:
        yield from _needs(one, color=color)
    if len(trouble) > _SHOWN:
        lists = ", ".join(_lists_of_the_rest(len(fleet["problems"]), len(trouble)))
        yield f"  … and {len(trouble) - _SHOWN} more: {lists}"


def _lists_of_the_rest(problems: int, trouble: int) -> Iterator[str]:
    """The commands that show what is not on the screen, where problems of documents come first."""
    if problems > _SHOWN:
        yield "`shoal validate`"
    if trouble > max(problems, _SHOWN):
        yield from (
            f"`shoal get {kind}`" for kind in ("applications", "sources", "targets", "holds")
        )


def _reach(clusters: Sequence[Item]) -> dict[str, int]:
    silent = len(silent_clusters(clusters))
    return {"answering": len(clusters) - silent, "silent": silent}


def _row(label: str, count: int | None, parts: Mapping[str, Any], color: bool) -> str:
    words = {"answering": "True", "silent": "Unknown"}
    shown = []
    for state, number in parts.items():
        if number:
            glyph = with_glyph(words.get(state, state)).partition(" ")[0]
            text = f"{glyph} {number} {state}"
            shown.append(colored(text, words.get(state, state), color=color))
    return f"{label:<13} {count if count is not None else '':>6}   {'   '.join(shown)}".rstrip()


def _needs(one: Trouble, *, color: bool) -> Iterator[str]:
    state = colored(with_glyph(one.state), one.state, color=color)
    yield f"  {state}  {clean(one.subject)}: {clean(one.message)}"
    if one.next_step:
        yield f"      next: {clean(one.next_step)}"
