"""`shoal render`: what clusters get of an application, offline, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shoal.cli import completing
from shoal.cli.application_options import any_application_argument, namespace_option
from shoal.cli.choosing import chosen_applications, chosen_clusters, read_catalog
from shoal.cli.ending import Ending, note
from shoal.cli.fleet_source import FleetSource, reads_fleet
from shoal.cli.hiding import masked_errors, masked_logs
from shoal.cli.options import Output, prints_as, with_options
from shoal.cli.plugging import loaded_plugins

if TYPE_CHECKING:
    from shoal.composition.grouping import Group

_VERSION = re.compile(r"v?(\d+\.\d+)(?:\.(\d+))?([-+][\w.+-]+)?", re.ASCII)
_FOLDER = click.Path(path_type=Path, file_okay=False)


_FACTS = (
    click.option(
        "--kubernetes-version",
        metavar="VERSION",
        help="The clusters' version, for templates that ask; else the renderer's default.",
    ),
    click.option(
        "--api-version",
        "api_versions",
        multiple=True,
        metavar="GROUP/VERSION[/KIND]",
        help="An API that the clusters serve, for templates that ask; repeatable.",
    ),
)


def takes_facts(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what only a cluster would tell: for commands that render."""
    return with_options(command, _FACTS)


@click.command()
@any_application_argument
@click.option("-c", "--cluster", shell_complete=completing.clusters, help="What this cluster gets.")
@reads_fleet
@namespace_option
@click.option(
    "--path",
    "working_copy",
    type=_FOLDER,
    metavar="DIR",
    help="Read this folder, as it is, in place of the source; source.path is a folder in it.",
)
@takes_facts
@click.option(
    "--show-secrets",
    is_flag=True,
    help="Show the values of Secrets and environment variables; --explain never does.",
)
@click.option("--explain", "explains", is_flag=True, help="Tell what each step did, and to what.")
@prints_as("How to print; yaml when left out, and text for --explain and for groups.")
def render(
    application: str | None,
    cluster: str | None,
    ask: Callable[[], FleetSource],
    namespace: str | None,
    working_copy: Path | None,
    kubernetes_version: str | None,
    api_versions: tuple[str, ...],
    show_secrets: bool,
    explains: bool,
    output: Output,
) -> int:
    """Print what a cluster gets of APP, or of all applications.

    Works without a controller and without the clusters: the documents are those in the fleet's
    folder or repository, and the source is fetched. Values of Secrets and of environment variables
    are masked: what can be applied is printed with --show-secrets. Without --cluster, it prints
    what all clusters get when that is the same; else it lists which clusters get the same, with
    exit code 1.
    """
    import anyio

    from shoal.binaries.showing import shown_progress
    from shoal.composition.grouping import Request, answer
    from shoal.composition.offline import Given

    masking = masked_logs()
    plugins = loaded_plugins()
    fleet = ask()
    catalog, broken = read_catalog(fleet, plugins, masking)
    documents = chosen_applications(catalog, broken, application, namespace)
    if working_copy is not None and len({each.source_ref for each in documents}) > 1:
        raise click.UsageError("--path stands for one source; name the application")
    placed = chosen_clusters(catalog, broken, documents, cluster)
    request = Request(catalog, documents, placed, explains)
    with shown_progress() as progress, masked_errors(masking):
        given = Given(
            fleet_folder=fleet.folder,
            fleet=catalog.fleet,
            secrets_folder=fleet.settings.secrets,
            working_copy=working_copy,
            told=told(kubernetes_version, api_versions),
            progress=progress,
            known=masking.known,
        )
        groups = anyio.run(partial(answer, request, given, plugins))
    return _print(output, groups, explains=explains, show_secrets=show_secrets)


def told(kubernetes_version: str | None, api_versions: Sequence[str]) -> Mapping[str, Any]:
    """The facts that were given, in the form in which a cluster tells them."""
    from shoal.model.facts import API_VERSIONS, KUBERNETES_VERSION

    told: dict[str, Any] = {API_VERSIONS: sorted(api_versions)} if api_versions else {}
    if kubernetes_version is None:
        return told
    found = _VERSION.fullmatch(kubernetes_version)
    if found is None:
        raise click.UsageError(f"{kubernetes_version!r} is no version of Kubernetes such as 1.34.2")
    return {**told, KUBERNETES_VERSION: f"v{found[1]}.{found[2] or '0'}{found[3] or ''}"}


def _print(
    output: Output, groups: Sequence[Group], *, explains: bool, show_secrets: bool
) -> Ending:
    from shoal.cli.explaining import print_explanations
    from shoal.cli.objects import print_groups, print_objects

    if len(groups) > 1:
        print_groups(output, groups)
        name = groups[0].clusters[0]
        note(f"clusters do not get the same; name one: `shoal render … --cluster {name}`")
        return Ending.NO
    (group,) = groups
    if not explains:
        print_objects(output, group.manifests, show_secrets=show_secrets)
        return Ending.OK
    print_explanations(output, group)
    errors = [each.error for each in group.explanations if each.error is not None]
    if errors:
        raise ExceptionGroup("overrides do not fit", errors)
    return Ending.OK
