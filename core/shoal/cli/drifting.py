"""`shoal drift`: what was changed in the clusters by hand, and what to do about it.

Either it goes (`revert`), or Git gets it (`adopt`), or it is somebody else's business (`ignore`).
The last two print what is to be committed: Shoal writes to no repository.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from shoal.api.answers import fields_alone
from shoal.api.client import Client
from shoal.cli.answering import partial_over
from shoal.cli.application_options import (
    any_application_argument,
    application_argument,
    clusters_option,
    namespace_option,
)
from shoal.cli.differences import on_clusters, patch_lines, which_drifted
from shoal.cli.ending import Ending, note, worse
from shoal.cli.finding import find_one, list_items
from shoal.cli.kinds import APPLICATION, DRIFT, split_name
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import clean, colored, now_utc, relative, with_glyph
from shoal.cli.printing import print_list, print_one
from shoal.cli.tables import Item

_write = click.option(
    "--write",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, writable=True),
    metavar="FILE",
    help="Add it to the Application in this file, comments and all else left as they are.",
)
_OBJECT = click.argument("name", metavar="[DRIFT|OBJECT]", required=False)


@click.group()
def drift() -> None:
    """See what was changed in clusters; undo it, give it to Git, or ignore it."""


@drift.command("list")
@any_application_argument
@namespace_option
@clusters_option
@prints
@asks
def list_drifts(
    application: str | None,
    namespace: str | None,
    clusters: tuple[str, ...],
    output: Output,
    client: Client,
) -> int:
    """Show what was changed in the clusters of APP, or of all applications; the same change once.

    Exit code 1 when there is any. `-` is what is live and `+` what Git has.
    """
    found = _drifts(client, application, namespace, clusters)
    if output.format == "table":
        for item in found:
            for line in _lines(item, color=output.color):
                click.echo(line, color=output.color)
    else:
        print_list(output, DRIFT, found)
    if not found:
        note("no drift")
    partial = partial_over(client, clusters or _clusters_of(client, application, namespace))
    return worse(Ending.NO if found else Ending.OK, partial)


@drift.command()
@application_argument
@_OBJECT
@namespace_option
@clusters_option
@click.option("-r", "--reason", default="", help="Why; it is recorded.")
@prints
@asks
def revert(
    application: str,
    name: str | None,
    namespace: str | None,
    clusters: tuple[str, ...],
    reason: str,
    output: Output,
    client: Client,
) -> int:
    """Undo drift of APP now, all of it or one DRIFT or OBJECT; also what is only reported.

    OBJECT is written as `deployment.apps/shop/web`. A suspension holds this too.
    """
    where, what = split_name(application, namespace)
    body = {"names": [name] if name else [], "clusters": list(clusters) or None, "reason": reason}
    reverted = client.post("applications", where, what, "revert", body=body)["items"]
    print_list(output, DRIFT, reverted)
    if not reverted:
        note(f"{where}/{what} has no drift")
    else:
        note(f"asked for; `shoal wait {where}/{what} --for drift-free` tells when it is done")
    return Ending.OK


@drift.command()
@application_argument
@_OBJECT
@namespace_option
@clusters_option
@_write
@prints
@asks
def adopt(
    application: str,
    name: str | None,
    namespace: str | None,
    clusters: tuple[str, ...],
    file: Path | None,
    output: Output,
    client: Client,
) -> int:
    """Print what to commit so that Git says what is live, and a DRIFT of APP is none any more.

    It is read now, and told as entries of `overrides` for the clusters that have it; where all of
    them have it, the manifest may as well be changed. Values of Secrets are never told. Exit code
    1 when something cannot be told, 6 when a cluster did not answer.
    """
    item = find_one(client, APPLICATION, application, namespace)
    where = ("applications", item["namespace"], item["name"], "adopt")
    body = {"names": [name] if name else [], "clusters": list(clusters) or None}
    found = client.post(*where, body=body)
    told = [one for one in found["adoptions"] if one["override"]]
    lines = [line for one in told for line in _adoption_lines(one)]
    overrides = [one["override"] for one in told]
    fields = fields_alone(found)
    full_name = f"application/{APPLICATION.identity(item)}"
    text = [*lines, *_fragment({"overrides": overrides})] if told else []
    print_one(output, "Adoptions", full_name, fields, lambda: text)
    for one in found["adoptions"]:
        if one["refused"]:
            note(f"{one['object']} {_on(one)}: {one['refused']}")
    for silent in found["unanswered"]:
        note(f"no answer from {silent['cluster']}: {silent['message']}")
    if not found["adoptions"]:
        note("nothing to adopt")
    elif told:
        _say_or_write(item, file, ("spec", "overrides"), overrides)
    is_whole = len(told) == len(found["adoptions"])
    return worse(
        Ending.OK if is_whole else Ending.NO,
        Ending.PARTIAL if found["unanswered"] else Ending.OK,
    )


@drift.command()
@application_argument
@_OBJECT
@namespace_option
@clusters_option
@_write
@prints
@asks
def ignore(
    application: str,
    name: str | None,
    namespace: str | None,
    clusters: tuple[str, ...],
    file: Path | None,
    output: Output,
    client: Client,
) -> int:
    """Print the rules of `sync.ignore` that make a DRIFT (or the drifts of an OBJECT) none.

    They count on every cluster: such a field is neither compared nor written any more. Add them to
    `spec` of the Application.
    """
    item = find_one(client, APPLICATION, application, namespace)
    found = _named(_drifts(client, application, namespace, clusters), name)
    rules = [rule for each in found for rule in each["ignore"]]
    for each in (one for one in found if not one["ignore"]):
        note(f"no rule can say {which_drifted(each)}: {_why_no_rule(each)}")
    if not rules:
        note("nothing to ignore")
        return Ending.NO if found else Ending.OK
    fields = {"application": f"{item['namespace']}/{item['name']}", "sync": {"ignore": rules}}
    text = _fragment({"sync": {"ignore": rules}})
    print_one(output, "IgnoreRules", f"application/{fields['application']}", fields, lambda: text)
    _say_or_write(item, file, ("spec", "sync", "ignore"), rules)
    return Ending.OK


def _say_or_write(
    item: Item, file: Path | None, path: Sequence[str], items: Sequence[dict[str, Any]]
) -> None:
    """Add the items to the Application in a file, or say where they belong."""
    from shoal.documents import Identity
    from shoal.documents.editing import with_items

    if file is None:
        where = f"application {APPLICATION.identity(item)} ({item['document']})"
        note(f"add this to `spec` of {where}, or give --write FILE")
        return
    identity = Identity("Application", item["namespace"], item["name"])
    changed = with_items(file.read_text(), identity, path, items)
    file.write_text(changed)
    note(f"added to {file}; look at it, and commit it")


def _adoption_lines(one: Item) -> Iterator[str]:
    """What is adopted, as comments before the entries."""
    yield clean(f"# {one['object']} {_on(one)}")
    if one["everywhere"] and one["origin"]:
        yield clean(f"# on every cluster: you may change {one['origin']} instead")
    yield from (f"#   {line}" for line in patch_lines(one["patch"], color=False))
    if not one["patch"]:
        yield "#   it is gone"


def _on(one: Item) -> str:
    return on_clusters(one["clusters"])


def _fragment(part: dict[str, Any]) -> Sequence[str]:
    """A part of a document as people would write it."""
    from shoal.documents.yaml_writing import dumped

    return dumped(part).splitlines()


def _drifts(
    client: Client, application: str | None, namespace: str | None, clusters: Collection[str]
) -> list[Item]:
    query: dict[str, str | None] = {"namespace": namespace}
    if application is not None:
        where, what = split_name(application, namespace)
        find_one(client, APPLICATION, application, namespace)
        query = {"namespace": where, "application": what}
    found = list_items(client, DRIFT, None, query).items
    return [item for item in found if not clusters or {*item["clusters"]} & {*clusters}]


def _named(found: Sequence[Item], name: str | None) -> list[Item]:
    if name is None:
        return list(found)
    meant = name.strip().lower().replace(" ", "/")
    named = [item for item in found if meant == item["id"] or meant in set(_spellings(item))]
    if not named:
        from shoal.errors import UnknownName

        raise UnknownName(f"there is no drift {name}", next_step="see `shoal drift list`")
    return named


def _spellings(item: Item) -> Iterator[str]:
    for text in item["objects"]:
        kind, _, where = str(text).lower().partition(" ")
        yield f"{kind}/{where}"
        yield f"{kind.partition('.')[0]}/{where}"


def _clusters_of(
    client: Client, application: str | None, namespace: str | None
) -> Collection[str] | None:
    if application is None:
        return None
    where, what = split_name(application, namespace)
    targets = client.items("targets", namespace=where, application=what)
    return {str(target["cluster"]) for target in targets}


def _lines(item: Item, *, color: bool) -> Iterator[str]:
    glyph = with_glyph("Drifted").partition(" ")[0]
    title = f"{glyph} {item['id']} {item['namespace']}/{item['application']}: {which_drifted(item)}"
    title = clean(f"{title} {on_clusters(item['clusters'])}")
    yield colored(title, "Drifted", color=color)
    yield f"    {clean(_told(item))}"
    yield from (f"    {line}" for line in patch_lines(item["patch"], color=color))


def _told(item: Item) -> str:
    """By whom and since when, as far as one can know, and what is done about it."""
    who = ", ".join(f"client {name}" for name in item["clients"])
    who = who or "an unknown client (see the API server's audit log)"
    does = _DONE_ABOUT_IT.get(item["policy"], "it is only reported")
    return f"by {who}, {relative(item['since'], now_utc())}; {does}"


_DONE_ABOUT_IT = {
    "Correct": "it is being corrected",
    "Held": "it is fought over and left as it is: see shoal get holds",
}


def _why_no_rule(item: Item) -> str:
    if item["kind"] == "missing":
        return "what is gone has no fields; take it out of Git, or exclude it by an override"
    if item["kind"] == "added":
        return "Git does not have these fields; set sync.whenFieldsAdded: Keep"
    return "its fields have no names of their own"
