"""`shoal diff`: what would change on every cluster, by a dry run of its API server.

The controller renders and asks the clusters; a working copy is sent to it, file by file as its
renderer looks for them. Equal differences are told once, under the names of their clusters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from shoal.api.answers import envelope, single
from shoal.api.client import Client
from shoal.cli import completing
from shoal.cli.application_options import any_application_argument, clusters_option
from shoal.cli.ending import Ending, note, say_error, worse
from shoal.cli.finding import find_one
from shoal.cli.kinds import APPLICATION
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import DurationType, clean, short_revision
from shoal.cli.printing import write
from shoal.cli.tables import Item
from shoal.errors import InvalidSource, Permanent, ShoalError, UnknownName
from shoal.model.phrases import counted, some_of

_MOST_ROUNDS = 20  # each brings whole folders; a chart of charts of charts needs six
_RENDER_SECONDS = 120.0  # to fetch a revision and to render it, before clusters are asked
_SHOWN = 5
WORKING_COPY = "working copy"  # what the controller calls the revision of what it was sent


@click.command()
@any_application_argument
@click.option(
    "-n",
    "--namespace",
    shell_complete=completing.namespaces,
    help="The namespace of APP, or of all applications compared.",
)
@clusters_option
@click.option(
    "--path",
    "working_copy",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="Compare this folder, as it is, in place of the source; source.path is a folder in it.",
)
@click.option("--rev", "revision", help="Compare this branch, tag or commit of the source.")
@click.option(
    "--timeout",
    type=DurationType(),
    default="1m",
    show_default=True,
    help="How long to wait for the clusters.",
)
@prints
@asks
def diff(
    application: str | None,
    namespace: str | None,
    clusters: tuple[str, ...],
    working_copy: Path | None,
    revision: str | None,
    timeout: timedelta,
    output: Output,
    client: Client,
) -> int:
    """Show what would change on the clusters of APP, or of all applications; change nothing.

    Compares what Git has now with what is live: rendered for each cluster by the controller, tried
    out by a dry run of the cluster's API server. Values of Secrets are masked. Exit code 0 when
    nothing would change, 1 when something would, 3 when it could not be found out for a cluster, 6
    when a cluster did not answer.
    """
    if working_copy is not None and revision is not None:
        raise click.UsageError("--path and --rev exclude each other")
    asked = _asked(client, application, namespace)
    if working_copy is not None and len({item["source"] for item in asked}) > 1:
        raise click.UsageError("--path stands for one source; name the application")
    client.wait_for(timeout.total_seconds() + _RENDER_SECONDS)
    body = {
        "clusters": list(clusters) or None,
        "revision": revision or "",
        "seconds": timeout.total_seconds(),
    }
    found: list[Item] = []
    errors: list[ShoalError] = []
    for item in asked:
        try:
            found.append(_compare(client, item, body, working_copy))
        except ShoalError as error:  # of this application; the others are shown first
            errors.append(error)
    if found:
        _print(output, found, is_one=application is not None)
    ending = worse(*map(_ending, found))
    if errors:
        raise ExceptionGroup("not everything could be compared", errors)
    return ending


def _asked(client: Client, application: str | None, namespace: str | None) -> list[Item]:
    if application is not None:
        return [find_one(client, APPLICATION, application, namespace)]
    found = client.items("applications", namespace=namespace)
    if not found:
        where = f"namespace {namespace}" if namespace else "this fleet"
        raise UnknownName(f"there is no application in {where}")
    return list(found)


def _compare(
    client: Client, item: Item, body: Mapping[str, Any], working_copy: Path | None
) -> Item:
    where = ("applications", item["namespace"], item["name"], "diff")
    if working_copy is None:
        return client.post(*where, body=body)
    return _compare_copy(client, where, body, working_copy, item["path"])


def _compare_copy(
    client: Client, where: Sequence[str], body: Mapping[str, Any], folder: Path, path: str
) -> Item:
    """Send the application's folder, and then whatever else its renderer looks for."""
    import anyio
    import msgspec

    from shoal.engine.sent_files import pack
    from shoal.engine.working_copies import WorkingCopy

    if not (folder / path).is_dir():
        raise InvalidSource(
            f"there is no folder {path} in {folder}",
            next_step="give the folder that stands for the source: the root of the repository",
        )
    wanted, missing = {path}, list[str]()
    for _ in range(_MOST_ROUNDS):
        files = anyio.run(pack, WorkingCopy(folder, anyio.to_thread.run_sync), wanted)
        answer = client.post_json(*where, body=msgspec.json.encode({**body, "files": files}))
        if answer["kind"] != "MissingFiles":
            return answer
        missing = answer["paths"]
        if wanted >= set(missing):
            break
        wanted |= set(missing)
    raise Permanent(
        f"the renderer looks for more of {folder} again and again, at last for "
        + ", ".join(missing[:_SHOWN]),
        next_step="commit it to a branch and give --rev BRANCH",
    )


def _ending(found: Item) -> Ending:
    """One application's; says on stderr which clusters are missing from what was printed."""
    name = f"{found['namespace']}/{found['application']}"
    if not found["clusters"]:
        note(f"{name} is placed on no cluster")
    endings = [Ending.NO if found["differences"] else Ending.OK]
    for clusters, one in _alike(found["failed"]):
        say_error(f"{name} on {clusters}: {one['message']}", one["next_step"])
        endings.append(Ending.FAILED)
    silent = found["unanswered"]
    if silent:
        note(f"{found['answered']}/{found['clusters']} clusters answered; no answer from:")
        for clusters, one in _alike(silent):
            note(f"  {clusters}: {one['message']}")
        endings.append(Ending.PARTIAL)
    return worse(*endings)


def _alike(told: Sequence[Item]) -> Iterator[tuple[str, Item]]:
    """Each reason once, with the clusters that it is said of."""
    groups: dict[str, list[Item]] = {}
    for one in told:
        message = re.sub(rf"\b{re.escape(one['cluster'])}\b", "…", one["message"])
        groups.setdefault(message, []).append(one)
    for each in groups.values():
        yield some_of([str(one["cluster"]) for one in each], _SHOWN), each[0]


def _print(output: Output, found: Sequence[Item], *, is_one: bool) -> None:
    match output.format:
        case "json" | "yaml" if is_one:
            write(output.format, found[0])
        case "json" | "yaml":
            write(output.format, envelope("Diff", found))
        case "jsonl":
            for each, difference in _all(found):
                told = {key: each[key] for key in ("namespace", "application", "revision")}
                write("jsonl", single("Difference", {**told, **difference}))
        case "name":
            for name in dict.fromkeys(_name(difference) for _, difference in _all(found)):
                click.echo(clean(name))
        case _:
            _print_text(output, found)


def _all(found: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    for each in found:
        for difference in each["differences"]:
            yield each, difference


def _name(difference: Item) -> str:
    kind, _, where = str(difference["object"]).partition(" ")
    return f"{kind.lower()}/{where}"


def _print_text(output: Output, found: Sequence[Item]) -> None:
    from shoal.cli.differences import difference_lines

    for each in found:
        if output.headers:
            click.echo(_heading(each))
        for difference in each["differences"]:
            for line in difference_lines(difference, color=output.color):
                click.echo(line, color=output.color)


def _heading(each: Item) -> str:
    at = f"at {short_revision(each['revision'])}"
    at = "in the working copy" if each["revision"] == WORKING_COPY else at
    name = f"{each['namespace']}/{each['application']} {at}"
    count, clusters = len(each["differences"]), each["answered"]
    if not clusters:
        return clean(f"{name}: compared on no cluster")
    what = "no difference" if not count else counted(count, "difference")
    return clean(f"{name}: {what} on {counted(clusters, 'cluster')}")
