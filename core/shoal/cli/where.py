"""`shoal where`: where is my change: on which clusters a commit, a tag or an image is, and why not.

A commit that changes nothing for a target counts as being there once its application was decided at
it; one that a later commit has taken the place of does, too. With `--wait` it is looked at again
until enough of them have it, or until the rest cannot get it without a person.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click

from shoal.api.answers import fields_alone
from shoal.api.client import Client
from shoal.cli.answering import partial_over
from shoal.cli.ending import Ending, note, worse
from shoal.cli.kinds import TARGET, Kind
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import (
    DurationType,
    clean,
    now_utc,
    relative,
    short_revision,
    span_of,
    with_glyph,
)
from shoal.cli.printing import print_one, table_lines
from shoal.cli.tables import Column, Item, field
from shoal.cli.waiting import STUCK, Look, look_until
from shoal.errors import UnknownName

_SHOWN = 20


class ShareType(click.ParamType[float]):
    """How many of the clusters: `all`, or a percentage."""

    name = "share"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it, or fail as a usage error."""
        if isinstance(value, float):
            return value
        text = str(value).removesuffix("%")
        if text == "all":
            return 1.0
        if str(value).endswith("%") and text.isascii() and text.isdigit() and 0 < int(text) <= 100:
            return int(text) / 100
        self.fail(f"{value!r} is neither `all` nor a percentage such as 95%", param, ctx)


@click.command()
@click.argument("what", metavar="REV|IMAGE")
@click.option("--wait", "waits", is_flag=True, help="Look until enough clusters have it.")
@click.option(
    "--for",
    "share",
    type=ShareType(),
    default="all",
    show_default=True,
    metavar="SHARE",
    help="How many of the clusters must have it: all, or a percentage such as 95%.",
)
@click.option(
    "--timeout", type=DurationType(), default="10m", show_default=True, help="How long to wait."
)
@prints
@asks
def where(
    what: str, waits: bool, share: float, timeout: timedelta, output: Output, client: Client
) -> int:
    """Where is my change: which clusters have a commit, a tag or an image, and which not yet, why.

    REV is a commit, by all of its hash or the first seven digits, or a tag; IMAGE an image, with a
    tag or without. Exit code 1 when not all of them have it (or not --for as many), or when --wait
    finds that it takes a person; 4 when nobody knows it; 7 when the time is over.
    """
    looking = _Looking(client, what, share, waits)
    if waits:
        _, ending = look_until(looking.look, looking.verdict, timeout)
    else:
        verdict = looking.verdict(looking.look(), None)
        ending = Ending.NO if verdict is None else verdict
    found = looking.found
    if found is None:
        note(f"after {span_of(timeout)}, no source was seen at {what}, and nothing wants it")
        return Ending.TIMEOUT
    fields = fields_alone(found)
    lines = [] if output.format != "table" else list(_lines(fields, output))
    print_one(output, "Where", f"where/{fields['name']}", fields, lambda: lines)
    if ending is None:
        note(f"after {span_of(timeout)}, {_count(found)}")
        return Ending.TIMEOUT
    clusters = {str(each["cluster"]) for each in fields["targets"]}
    silent = partial_over(client, clusters) if fields["silent"] else Ending.OK
    return ending if waits else worse(ending, silent)


@dataclass(slots=True)
class _Looking:
    """What is looked for, and what was found last; None: nobody has heard of it yet."""

    client: Client
    what: str
    share: float
    waits: bool
    found: Mapping[str, Any] | None = None

    def look(self) -> Look:
        """The targets that it concerns; none while it is unknown, which only a wait may find."""
        try:
            self.found = self.client.get("where", text=self.what)
        except UnknownName:
            if not self.waits:
                raise
        return Look(self.found["targets"] if self.found else ())

    def verdict(self, seen: Look, before: Look | None) -> Ending | None:
        """Enough have it, or too many are stuck in two looks in a row."""
        if self.found is None:
            return None
        if self._is_enough(len(seen.targets) - len(_missing(seen.targets))):
            return Ending.OK
        is_hopeless = self._is_hopeless(seen)
        if is_hopeless and before is not None and self._is_hopeless(before):
            return Ending.NO
        return None

    def _is_enough(self, count: int) -> bool:
        total = len(self.found["targets"]) if self.found else 0
        return count >= math.ceil(self.share * total)

    def _is_hopeless(self, seen: Look) -> bool:
        stuck = [each for each in _missing(seen.targets) if each["phase"] in STUCK]
        return bool(seen.targets) and not self._is_enough(len(seen.targets) - len(stuck))


def _missing(targets: Sequence[Item]) -> list[Item]:
    """The targets that do not have it, and those that have an image that is to go."""
    return [each for each in targets if each["presence"] in ("NotYet", "Leaving")]


def _lines(found: Mapping[str, Any], output: Output) -> Iterator[str]:
    yield from _head(found)
    rows = list(_by_application(found["targets"]))
    if rows:
        yield ""
        yield from table_lines(output, _table_of(rows), rows)
    for name in found["untouched"][:_SHOWN]:
        yield f"{clean(name)} renders alike with and without it"
    for heading, presence in (("not yet:", "NotYet"), ("there, and to go:", "Leaving")):
        missing = [each for each in found["targets"] if each["presence"] == presence]
        if missing:
            yield ""
            yield heading
        for target in missing[:_SHOWN]:
            yield from _told(target)
        if len(missing) > _SHOWN:
            yield f"  … and {len(missing) - _SHOWN} more; -o yaml shows all"


def _head(found: Mapping[str, Any]) -> Iterator[str]:
    if found["sort"] == "image":
        yield f"image {clean(found['name'])}: {_count(found)}"
        return
    now = now_utc()
    why = f" «{clean(found['subject'])}»" if found["subject"] else ""
    yield f"{short_revision(clean(found['name']))}{why} by {clean(found['author'])}"
    committed, detected = found["committed_at"], found["detected_at"]
    yield (
        f"  committed {relative(committed, now)}, seen {relative(detected, now)} at "
        f"{clean(found['source'])}"
    )
    if found["came_with"]:
        later = short_revision(clean(found["came_with"]))
        yield f"  never seen by itself: it came with {later}, and counts as that"
    yield f"  {_count(found)}"
    times = [
        f"{name} {span_of(timedelta(seconds=found['times'][name]))}"
        for name in ("first", "p50", "p95", "last")
        if found["times"][name] is not None
    ]
    if times:
        yield f"  since the commit: {', '.join(times)}"


def _count(found: Mapping[str, Any]) -> str:
    total = len(found["targets"])
    if not total:
        return "it changes nothing anywhere"
    share = math.floor(100 * found["here"] / total)
    return f"on {found['here']} of {total} targets ({share} %)"


def _by_application(targets: Sequence[Item]) -> Iterator[Item]:
    counts: dict[str, Counter[str]] = {}
    for each in targets:
        name = f"{each['namespace']}/{each['application']}"
        counts.setdefault(name, Counter())[each["presence"]] += 1
    for name, found in counts.items():
        yield {"application": name, "targets": found.total(), **found}


_PRESENCES: Mapping[str, str] = {
    "Here": "HERE",
    "Unchanged": "UNCHANGED",
    "Superseded": "SUPERSEDED",
    "Leaving": "LEAVING",
    "NotYet": "NOT YET",
}


def _table_of(rows: Sequence[Item]) -> Kind:
    """A column for each presence that there is."""
    there = [each for each in _PRESENCES if any(each in row for row in rows)]
    first = (field("APPLICATION", "application"), field("TARGETS", "targets"))
    columns = (*first, *map(_column, there))
    return Kind("Whereabout", "where", (), columns, lambda row: str(row["application"]))


def _column(presence: str) -> Column:
    return Column(_PRESENCES[presence], lambda item, now: str(item.get(presence, 0)))


def _told(target: Item) -> Iterator[str]:
    images = f" {', '.join(target['images'])}" if target["images"] else ""
    yield clean(f"  {TARGET.identity(target)}: {with_glyph(target['phase'])}{images}")
    if target["message"]:
        yield f"    {clean(target['message'])}"
    if target["next_step"]:
        yield f"    next: {clean(target['next_step'])}"
