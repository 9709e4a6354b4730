"""`shoal cluster ping`: does each cluster answer, how fast, in which version, and what is allowed.

Through the controller, which looks at its clusters all the time, or directly by the documents of a
folder, from this machine. The same look proves a cluster for `shoal cluster add`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shoal.cli import completing
from shoal.cli.ending import Ending, ending_of, note
from shoal.cli.fleet_folder import FleetFolder, FolderType, open_fleet
from shoal.cli.hiding import masked_logs
from shoal.cli.kinds import Kind
from shoal.cli.options import Output, prints, state_option
from shoal.cli.printing import print_list
from shoal.cli.progress import saying_progress
from shoal.cli.tables import Column, Item, field, state
from shoal.errors import ClusterUnreachable, NotRunning, UnknownName

if TYPE_CHECKING:
    from shoal.composition.examining import Examined
    from shoal.model.documents import Cluster


def _latency(item: Item) -> str:
    seconds = item.get("latency_seconds")
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"


def _allowed(item: Item) -> str:
    return {True: "everything", False: "not everything", None: "-"}[item.get("is_all_allowed")]


PING = Kind(
    "Ping",
    "pings",
    (),
    (
        field("CLUSTER", "name"),
        state("STATE", "state"),
        field("VERSION", "version"),
        Column("LATENCY", lambda item, now: _latency(item)),
        Column("ALLOWED", lambda item, now: _allowed(item)),
        field("MESSAGE", "message"),
    ),
    lambda item: str(item["name"]),
)


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completing.clusters)
@click.option(
    "--fleet",
    type=FolderType("name a clone; `shoal doctor --fleet URL` looks at its clusters, too"),
    metavar="DIR",
    help="Ask the clusters of this folder directly, from this machine, without a controller.",
)
@state_option
@click.option(
    "--allow-exec",
    multiple=True,
    metavar="PROGRAM",
    help="With --fleet: a program that a kubeconfig may run for its credential; repeatable.",
)
@prints
def ping(
    names: tuple[str, ...],
    fleet: Path | None,
    state: Path | None,
    allow_exec: tuple[str, ...],
    output: Output,
) -> int:
    """Ask whether clusters answer: all of them, or those that are named.

    Through the controller, or with --fleet directly. Exit code 6 when one does not answer, 5 when
    one answers and refuses the credential.
    """
    if fleet is None:
        items = _asked_of_controller(state, names)
        ending = _ending(items)
    else:
        folder = open_fleet(fleet)
        found = examined(folder, _named(folder, names), allow_exec)
        items = [examined_fields(each) for each in found]
        ending = _worst(found)
    print_list(output, PING, items)
    silent = [item for item in items if item["state"] != "Answers"]
    if silent:
        note(f"{len(items) - len(silent)}/{len(items)} clusters answered")
    if not items:
        note("there are no clusters; `shoal cluster add` adds one")
    return ending


def examined(
    folder: FleetFolder, documents: Sequence[Cluster], allow_exec: Sequence[str]
) -> list[Examined]:
    """Look at clusters, all of them side by side, with progress."""
    import anyio

    from shoal.composition.examining import open_examiner

    masking = masked_logs()

    if not documents:
        return []
    with saying_progress() as say:

        def told(done: int) -> None:
            say(f"{done}/{len(documents)} clusters looked at")

        async def look() -> list[Examined]:
            opened = open_examiner(
                folder.path, folder.plugins, masking.known, exec_allowed=frozenset(allow_exec)
            )
            async with opened as examiner:
                return await examiner.all(documents, {}, told)

        return anyio.run(look)


def examined_fields(found: Examined) -> dict[str, Any]:
    """One cluster that was looked at, as data."""
    one, error = found.examination, found.error
    return {
        "name": found.cluster,
        "state": "Answers" if one else _state_of(error),
        "server": found.server,
        "uid": one.uid if one else "",
        "version": one.version if one else "",
        "latency_seconds": round(one.latency_seconds, 4) if one else None,
        "clock_ahead_seconds": one.clock_ahead_seconds if one else None,
        "is_all_allowed": one.is_all_allowed if one else None,
        "message": "; ".join(doubts(found)) if one else error.message if error else "",
        "next_step": error.next_step if error else "",
    }


def examined_lines(found: Examined) -> Iterator[str]:
    """One cluster that answered, for a person."""
    one = found.examination
    assert one is not None
    yield f"{found.server} answers in {one.latency_seconds * 1000:.0f} ms, Kubernetes {one.version}"
    yield f"uid {one.uid}"
    if one.is_all_allowed:
        yield "the credential may do everything there"
    else:
        yield "the credential may not do everything; `shoal doctor` says whether it is enough"
    yield from (f"warning: {each}" for each in doubts(found))


def doubts(found: Examined) -> Iterator[str]:
    """What is not as it should be at a cluster that answers."""
    one = found.examination
    if one is None:
        return
    from shoal.composition.checking_clusters import clock_in_words

    yield from one.doubts
    if clock := clock_in_words(one.clock_ahead_seconds):
        yield clock


def _state_of(error: Exception | None) -> str:
    return "Silent" if isinstance(error, ClusterUnreachable) else "Refused"


def _worst(found: Sequence[Examined]) -> Ending:
    errors = [each.error for each in found if each.error is not None]
    if any(isinstance(error, ClusterUnreachable) for error in errors):
        return Ending.PARTIAL
    return ending_of(errors[0]) if errors else Ending.OK


def _named(folder: FleetFolder, names: Sequence[str]) -> list[Cluster]:
    for name in names:
        folder.file_of(name)
    return [each for name, each in folder.clusters.items() if not names or name in names]


def _asked_of_controller(state: Path | None, names: Sequence[str]) -> list[dict[str, Any]]:
    from shoal.api.client import Client
    from shoal.api.running import find_state_folder

    try:
        with Client(find_state_folder(state)) as client:
            known = {str(item["name"]): item for item in client.items("clusters")}
    except NotRunning as error:
        raise NotRunning(
            error.message,
            next_step=f"{error.next_step}\nor ask clusters directly: --fleet DIR",
        ) from error
    for name in names:
        if name not in known:
            from shoal.model.choice import nearest

            near = nearest(name, known)
            raise UnknownName(
                f"there is no cluster {name}" + (f"; did you mean {near}?" if near else ""),
                next_step="`shoal get clusters` shows all of them",
            )
    return [_view_fields(known[name]) for name in names or sorted(known)]


def _view_fields(view: Mapping[str, Any]) -> dict[str, Any]:
    """One cluster as the controller sees it; what is allowed shows where something is refused."""
    if view["authorized"] == "False":
        state = "Refused"
    else:
        state = {"True": "Answers", "False": "Silent"}.get(view["reachable"], "Unknown")
    return {
        "name": view["name"],
        "state": state,
        "version": view["version"],
        "latency_seconds": view["latency_seconds"],
        "is_all_allowed": None,
        "last_contact": view["last_contact"],
        "message": view["message"],
        "next_step": view["next_step"],
    }


def _ending(items: Sequence[Mapping[str, Any]]) -> Ending:
    states = {item["state"] for item in items}
    if states & {"Silent", "Unknown"}:
        return Ending.PARTIAL
    return Ending.FORBIDDEN if "Refused" in states else Ending.OK
