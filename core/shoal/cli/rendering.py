"""`shoal render`: what clusters get of an application, offline, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shoal.cli.ending import Ending, leaves, note
from shoal.cli.kinds import split_name
from shoal.cli.options import Output, prints_as
from shoal.cli.plugging import loaded_plugins
from shoal.errors import InvalidDocument, ShoalError, UnknownName

if TYPE_CHECKING:
    from shoal.composition.grouping import Group
    from shoal.composition.loading import Plugins
    from shoal.documents import Catalog, Identity, Problem
    from shoal.model.documents import Application
    from shoal.telemetry.masking import Masking

    Broken = Mapping[Identity, tuple[Problem, ...]]

_SHOWN = 8
_VERSION = re.compile(r"v?(\d+\.\d+)(?:\.(\d+))?([-+][\w.+-]+)?", re.ASCII)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("application", metavar="[APP]", required=False)
@click.option("-c", "--cluster", help="What this cluster gets.")
@click.option(
    "--fleet",
    type=_FOLDER,
    default=Path("."),
    metavar="DIR",
    help="The fleet's folder; here, when left out.",
)
@click.option("-n", "--namespace", help="The namespace of APP.")
@click.option(
    "--path",
    "working_copy",
    type=_FOLDER,
    metavar="DIR",
    help="Read this folder, as it is, in place of the source; source.path is a folder in it.",
)
@click.option(
    "--secrets",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Secrets for fetching sources, as files: NAMESPACE/NAME/KEY.",
)
@click.option(
    "--kubernetes-version",
    metavar="VERSION",
    help="The clusters' version, for templates that ask; else the renderer's default.",
)
@click.option(
    "--api-version",
    "api_versions",
    multiple=True,
    metavar="GROUP/VERSION[/KIND]",
    help="An API that the clusters serve, for templates that ask; repeat it for all that count.",
)
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
    fleet: Path,
    namespace: str | None,
    working_copy: Path | None,
    secrets: Path | None,
    kubernetes_version: str | None,
    api_versions: tuple[str, ...],
    show_secrets: bool,
    explains: bool,
    output: Output,
) -> int:
    """Print what a cluster gets of APP, or of all applications.

    Works without a controller and without the clusters: the documents are those in the fleet's
    folder, and the source is fetched. Values of Secrets and of environment variables are masked:
    what can be applied is printed with --show-secrets. Without --cluster, it prints what all
    clusters get when that is the same; else it lists which clusters get the same, with exit code 1.
    """
    import anyio

    from shoal.binaries.showing import shown_progress
    from shoal.composition.grouping import Request, answer
    from shoal.composition.offline import Given
    from shoal.telemetry.logs import configure_logs
    from shoal.telemetry.masking import Masking

    masking = Masking()
    configure_logs(masking)
    plugins = loaded_plugins()
    catalog, broken = _catalog(fleet, plugins)
    documents = _chosen(catalog, broken, application, namespace)
    if working_copy is not None and len({each.source_ref for each in documents}) > 1:
        raise click.UsageError("--path stands for one source; name the application")
    request = Request(catalog, documents, _clusters(catalog, broken, documents, cluster), explains)
    with shown_progress() as progress, _masked_errors(masking):
        given = Given(
            fleet_folder=fleet,
            fleet=catalog.fleet,
            secrets_folder=secrets,
            working_copy=working_copy,
            told=_told(kubernetes_version, api_versions),
            progress=progress,
            known=masking.known,
        )
        groups = anyio.run(partial(answer, request, given, plugins))
    return _print(output, groups, explains=explains, show_secrets=show_secrets)


@contextmanager
def _masked_errors(masking: Masking) -> Iterator[None]:
    """What goes wrong is told without the secrets that were met before."""
    try:
        yield
    except Exception as error:  # passed on as it is, but for its words
        for each in leaves(error):
            if isinstance(each, ShoalError):
                each.message = masking.text(each.message, None)
        raise


def _told(kubernetes_version: str | None, api_versions: Sequence[str]) -> Mapping[str, Any]:
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


def _catalog(fleet: Path, plugins: Plugins) -> tuple[Catalog, Broken]:
    """The fleet's documents, and those that cannot be used; what is wrong is a warning."""
    from shoal.cli.fleet_files import read_fleet
    from shoal.documents import load, merge

    loaded = load(read_fleet(fleet), plugins.seams)
    for problem in loaded.problems:
        note(f"warning: {problem.as_text()}")
    catalog = merge(None, loaded)
    if catalog is None:
        raise InvalidDocument(
            f"the folder {fleet} holds no fleet that can be read",
            next_step="see `shoal validate`; --fleet DIR names another folder",
        )
    return catalog, loaded.broken


def _chosen(
    catalog: Catalog, broken: Broken, application: str | None, namespace: str | None
) -> tuple[Application, ...]:
    """The application that was named, or all of them (of one namespace)."""
    from shoal.documents import Identity
    from shoal.model.identity import Ref

    known = catalog.applications
    if application is not None:
        ref = Ref(*split_name(application, namespace))
        _refuse_broken(broken, Identity("Application", *ref))
        if ref not in known:
            raise _unknown("application", str(ref), map(str, sorted(known)))
        return (known[ref],)
    found = [known[ref] for ref in sorted(known) if namespace in (None, ref.namespace)]
    if not found:
        where = f"namespace {namespace}" if namespace else "this fleet"
        raise UnknownName(f"there is no application in {where}")
    return tuple(found)


def _clusters(
    catalog: Catalog, broken: Broken, documents: Sequence[Application], cluster: str | None
) -> tuple[str, ...]:
    """The cluster that was named, or all on which one of the applications is placed."""
    from shoal.documents import Identity
    from shoal.planning.placing import place

    if cluster is not None:
        _refuse_broken(broken, Identity("Cluster", "", cluster))
    if cluster is not None and cluster not in catalog.clusters:
        raise _unknown("cluster", cluster, sorted(catalog.clusters))
    placed = sorted({name for each in documents for name in place(each, catalog.clusters)})
    what = f"application {documents[0].ref}" if len(documents) == 1 else "each of them"
    if not placed:
        raise UnknownName(
            f"{what} is placed on no cluster",
            next_step="see placement.clusterSelector, and the labels of the clusters",
        )
    if cluster is not None and cluster not in placed:
        raise UnknownName(
            f"{what} is placed on other clusters than {cluster}",
            next_step=_listed("placed on", placed),
        )
    return (cluster,) if cluster is not None else tuple(placed)


def _refuse_broken(broken: Broken, identity: Identity) -> None:
    """What was asked for is written, and cannot be used: said instead of there being none."""
    if identity in broken:
        problem, *others = broken[identity]
        more = f", and {len(others)} more" if others else ""
        raise InvalidDocument(f"{identity} cannot be used: {problem.as_text()}{more}")


def _unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    from shoal.model.choice import nearest

    names = list(known)
    near = nearest(name, names)
    return UnknownName(
        f"there is no {kind} {name}" + (f"; did you mean {near}?" if near else ""),
        next_step=_listed("there is", names),
    )


def _listed(words: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{words} {', '.join(names[:_SHOWN])}{more}" if names else ""
