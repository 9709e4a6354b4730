"""`shoal cluster local up|down|list`: real API servers on this machine, to try Shoal against.

They stay until `down`. What is printed on standard output is data, in the form asked for; what
happens and what to do next is on standard error. Exit codes: 0 done, 2 wrong usage, 3 it failed,
130 interrupted (then nothing is left running).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import click
import orjson
import platformdirs
import yaml
from rich.console import Console
from rich.table import Table

from shoal.binaries.showing import shown_progress
from shoal.errors import ShoalError
from shoal_clusters.controlplane.local import Flavour
from shoal_clusters.controlplane.options import controllers_option, kubernetes_option
from shoal_clusters.controlplane.standing import (
    StandingCluster,
    end_fleet,
    list_clusters,
    raise_fleet,
)

T = TypeVar("T")
_FIRST_NAMES = ("dev", "staging", "prod")
_MOST_CLUSTERS = 50  # 280 MiB each: more is a slip of the finger
_FAILED, _INTERRUPTED = 3, 130

_folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the fleet lives.  [default: a folder of your user's state]",
)
_output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml", "name", "jsonl"]),
    default="table",
    show_default=True,
    help="Form of the data on standard output.",
)


@click.group()
def local() -> None:
    """Real API servers on this machine, without nodes, to try Shoal against."""


@local.command()
@click.argument("names", nargs=-1)
@click.option(
    "--clusters",
    "count",
    type=click.IntRange(1, _MOST_CLUSTERS),
    help="How many, when no names are given.  [default: 3]",
)
@click.option(
    "--provider",
    type=click.Choice(["local", "kind"]),
    default="local",
    show_default=True,
    help="Bare API servers, or clusters with a node by kind (needs a Docker engine).",
)
@click.option(
    "--workloads",
    type=click.Choice(["simulated", "untouched"]),
    default="simulated",
    show_default=True,
    help="Bare API servers have no nodes: let a simulator make workloads healthy, or not.",
)
@controllers_option
@kubernetes_option
@_folder_option
@_output_option
def up(
    names: tuple[str, ...],
    count: int | None,
    provider: str,
    workloads: str,
    has_controllers: bool,
    kubernetes: str | None,
    folder: Path | None,
    output: str,
) -> None:
    """Start clusters (dev, staging, prod) and write a kubeconfig; they stay until `down`."""
    if provider == "kind" and (has_controllers or kubernetes):
        raise click.UsageError(
            "kind's clusters have controllers and a version of their own: "
            "leave out --controllers and --kubernetes"
        )
    start = partial(
        raise_fleet,
        _absolute(folder),
        _chosen_names(names, count),
        provider=provider,
        flavour=Flavour(kubernetes, has_controllers),
        is_simulated=workloads == "simulated",
    )
    with shown_progress() as progress:
        started = _run(partial(start, progress=progress))
    _print(started, output)
    kubeconfig = started[0].kubeconfig
    click.echo(
        f"\nThe kubeconfig has one context per cluster: {kubeconfig}\n"
        f"  export KUBECONFIG={kubeconfig}\n"
        f"  kubectl --context {started[0].name} get namespaces\n"
        f"End them with: shoal cluster local down{_option(folder)}",
        err=True,
    )


@local.command()
@_folder_option
@_output_option
def down(folder: Path | None, output: str) -> None:
    """Stop the clusters that `up` started, and remove their data."""
    where = _absolute(folder)
    clusters = _run(partial(list_clusters, where))
    ended = _run(partial(end_fleet, where))
    _print([one for one in clusters if one.name in ended], output, state="Removed")
    if not ended:
        click.echo(f"No local clusters in {where}: nothing to do.", err=True)


@local.command(name="list")
@_folder_option
@_output_option
def list_(folder: Path | None, output: str) -> None:
    """List the clusters that `up` started, and whether they run."""
    where = _absolute(folder)
    clusters = _run(partial(list_clusters, where))
    _print(clusters, output)
    if not clusters:
        click.echo(f"No local clusters in {where}. Start some: shoal cluster local up", err=True)


def _chosen_names(names: Sequence[str], count: int | None) -> list[str]:
    if names and count is not None:
        raise click.UsageError("give names or --clusters, not both")
    if len(set(names)) < len(names):
        raise click.UsageError("two clusters cannot have the same name")
    for name in names:
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
            raise click.UsageError(
                f"{name!r} is no cluster's name: lower-case letters, digits and inner hyphens"
            )
    number = len(_FIRST_NAMES) if count is None else count
    numbered = [f"cluster-{index}" for index in range(len(_FIRST_NAMES) + 1, number + 1)]
    return list(names) or [*_FIRST_NAMES, *numbered][:number]


def _absolute(folder: Path | None) -> Path:
    return (folder or platformdirs.user_state_path("shoal") / "local-clusters").absolute()


def _option(folder: Path | None) -> str:
    return f" --folder {folder}" if folder else ""


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run one operation to its end; its known failures become a message and an exit code."""
    try:
        return anyio.run(work)
    except ShoalError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.next_step:
            click.echo(f"next: {error.next_step}", err=True)
        raise click.exceptions.Exit(_FAILED) from error
    except KeyboardInterrupt as error:
        click.echo("interrupted: nothing was left running", err=True)
        raise click.exceptions.Exit(_INTERRUPTED) from error


def _print(clusters: Sequence[StandingCluster], output: str, *, state: str = "") -> None:
    rows = [
        {
            "name": one.name,
            "state": state or ("Running" if one.is_running else "Stopped"),
            "provider": one.provider,
            "server": one.server,
            "pid": one.pid,
            "kubeconfig": str(one.kubeconfig),
        }
        for one in clusters
    ]
    document = {"apiVersion": "shoal.dev/v1alpha1", "kind": "LocalClusterList", "items": rows}
    match output:
        case "json":
            click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        case "yaml":
            click.echo(yaml.safe_dump(document, sort_keys=False), nl=False)
        case "jsonl":
            for row in rows:
                click.echo(orjson.dumps(row))
        case "name":
            for row in rows:
                click.echo(row["name"])
        case _:
            _print_table(rows)


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = ("name", "state", "provider", "server", "pid")
    table = Table(*(column.upper() for column in columns), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if row[column] is None else str(row[column]) for column in columns))
    Console().print(table)
