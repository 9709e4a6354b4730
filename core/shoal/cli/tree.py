"""`shoal tree`: what an application has on its clusters, by kind, what is not well first.

Objects that are well everywhere are named as long as there are few of a kind, and counted then; the
whole is cut at 300 lines. It is what the controller knows by now: no cluster is asked, so that
Pods, which nobody commits, show in the health of what they belong to. With `--pods` clusters are
asked for them, and they stand below their workload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import click

from shoal.api.answers import fields_alone
from shoal.api.client import Client
from shoal.cli.answering import told_silent
from shoal.cli.application_options import (
    application_argument,
    cluster_globs_option,
    namespace_option,
)
from shoal.cli.ending import Ending, note, worse
from shoal.cli.finding import find_one
from shoal.cli.kinds import APPLICATION
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import clean, colored, with_glyph
from shoal.cli.printing import print_one
from shoal.cli.status import BAD_HEALTH, BAD_PHASES
from shoal.model.phrases import counted

_MOST_LINES = 300
_WELL_SHOWN = 5  # of a kind, by name; more are counted
_PLACES_SHOWN = 3  # clusters of one object
_WELL = ("Synced", "Healthy")
_PODS_SHOWN = 10  # of one object; those that are not well first
_ASKING_SECONDS = 65.0  # 20 clusters, eight at a time, have 20 each


@click.command()
@application_argument
@namespace_option
@cluster_globs_option
@click.option("--pods", is_flag=True, help="Ask the clusters for the Pods of each workload, too.")
@prints
@asks
def tree(
    application: str,
    namespace: str | None,
    clusters: tuple[str, ...],
    pods: bool,
    output: Output,
    client: Client,
) -> int:
    """What APP has on its clusters: each object, its state and its health; what is not well first.

    The same object on many clusters is one line. With --pods at most 20 clusters are asked for what
    their controllers made: narrow it with -c. Exit code 1 when one failed, drifted or is not
    healthy.
    """
    one = find_one(client, APPLICATION, application, namespace)
    where, what = one["namespace"], one["name"]
    if pods:
        client.wait_for(_ASKING_SECONDS)
    asked = "true" if pods else None
    found = client.get("tree", namespace=where, name=what, cluster=clusters or None, pods=asked)
    fields = fields_alone(found)
    lines = list(_cut(_lines(fields, color=output.color)))
    print_one(output, "Tree", f"tree/{where}/{what}", fields, lambda: lines)
    for gap in fields["gaps"]:
        note(f"warning: {gap}")
    is_bad = any(map(_is_bad, fields["objects"]))
    silent = [{"name": name} for name in fields["silent"]]
    return worse(Ending.NO if is_bad else Ending.OK, told_silent(silent, fields["clusters"]))


def _is_bad(one: Mapping[str, Any]) -> bool:
    return bool(BAD_HEALTH & {*one["healths"]}) or bool(BAD_PHASES & {*one["phases"]})


def _is_well(one: Mapping[str, Any]) -> bool:
    return {*one["phases"]} == {_WELL[0]} and {*one["healths"]} == {_WELL[1]}


def _lines(found: Mapping[str, Any], *, color: bool) -> Iterator[str]:
    name, count = f"{found['namespace']}/{found['application']}", found["clusters"]
    where = counted(count, "cluster")
    states = _states(found["phase"], found["health"], color=color)
    yield f"{clean(name)} on {where}   {states}"
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for one in found["objects"]:
        kinds.setdefault(one["kind"], []).append(one)
    for at, (kind, objects) in enumerate(kinds.items()):
        is_last = at == len(kinds) - 1
        yield f"{'└─' if is_last else '├─'} {clean(kind)} ({len(objects)})"
        yield from _of_kind(objects, count, "   " if is_last else "│  ", color=color)


def _of_kind(
    objects: Sequence[Mapping[str, Any]], clusters: int, margin: str, *, color: bool
) -> Iterator[str]:
    """Those that are not well, then the others: by name, or counted when there are many."""
    unwell = [one for one in objects if not _is_well(one)]
    well = [one for one in objects if _is_well(one)]
    shown = [*unwell, *(well if len(well) <= _WELL_SHOWN else ())]
    hidden = len(well) if len(well) > _WELL_SHOWN else 0
    for at, one in enumerate(shown):
        is_last = at == len(shown) - 1 and not hidden
        states = _states(one["phase"], one["health"], color=color)
        where = "" if one["clusters"] == clusters else f"   on {one['clusters']} of {clusters}"
        yield f"{margin}{'└─' if is_last else '├─'} {clean(one['object'])}   {states}{where}"
        inner = margin + ("   " if is_last else "│  ")
        yield from _details(one, inner, clusters, color=color)
    if hidden:
        states = _states(*_WELL, color=color)
        yield f"{margin}└─ {hidden} {'more' if unwell else 'objects'}   {states}"


def _details(one: Mapping[str, Any], margin: str, clusters: int, *, color: bool) -> Iterator[str]:
    """The images, and where it is not well, and why."""
    for image in one["images"]:
        yield f"{margin}  {clean(image)}"
    for place in one["unwell"][:_PLACES_SHOWN]:
        states = _states(place["phase"], place["health"], color=color)
        told = f": {clean(place['message'])}" if place["message"] else ""
        yield f"{margin}  {clean(place['cluster'])}: {states}{told}"
    well = one["phases"].get(_WELL[0], 0) if one["clusters"] > 1 else 0
    more = max(one["clusters"] - well, len(one["unwell"])) - _PLACES_SHOWN
    if more > 0:
        yield f"{margin}  … and {more} more clusters"
    yield from _pods(one["pods"], margin, clusters, color=color)


def _pods(
    pods: Sequence[Mapping[str, Any]], margin: str, clusters: int, *, color: bool
) -> Iterator[str]:
    """The Pods of a workload, as they come: what is not well first."""
    for pod in pods[:_PODS_SHOWN]:
        state = colored(with_glyph(pod["health"]), pod["health"], color=color)
        where = f"{clean(pod['cluster'])}: " if clusters > 1 else ""
        through = f" ({clean(pod['through'])})" if pod["through"] else ""
        told = f": {clean(pod['message'])}" if pod["message"] else ""
        yield f"{margin}  {where}Pod {clean(pod['name'])}{through}   {state}{told}"
    if len(pods) > _PODS_SHOWN:
        more = counted(len(pods) - _PODS_SHOWN, "more Pod")
        yield f"{margin}  … and {more}; -o yaml shows all"


def _states(phase: str, health: str, *, color: bool) -> str:
    return " ".join(colored(with_glyph(each), each, color=color) for each in (phase, health))


def _cut(lines: Iterator[str]) -> Iterator[str]:
    yield from islice(lines, _MOST_LINES)
    more = sum(1 for _ in lines)
    if more:
        yield f"… and {more} more lines: -c narrows it, -o yaml shows all"
