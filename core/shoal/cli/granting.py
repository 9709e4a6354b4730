"""`shoal cluster rbac`: the least that the account of a controller must be allowed, as RBAC."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import click

from shoal.cli import completing
from shoal.cli.choosing import read_catalog, refuse_unknown_cluster
from shoal.cli.ending import Ending, note
from shoal.cli.fleet_source import FleetSource, reads_fleet
from shoal.cli.hiding import masked_errors, masked_logs
from shoal.cli.options import Output, prints_as
from shoal.cli.plugging import loaded_plugins
from shoal.cli.rendering import takes_facts, told

if TYPE_CHECKING:
    from shoal.documents import Catalog
    from shoal.model.rights import Grants

_ACCOUNT = "shoal/shoal"


@click.command()
@click.option(
    "-c",
    "--cluster",
    shell_complete=completing.clusters,
    help="The cluster; may be left out when the fleet has only one.",
)
@reads_fleet
@click.option(
    "--account",
    default=_ACCOUNT,
    show_default=True,
    metavar="NAMESPACE/NAME",
    help="The service account on that cluster that is granted the rights.",
)
@click.option(
    "--cluster-wide",
    "is_wide",
    is_flag=True,
    help="Grant in all namespaces, and over every object of the kinds that are rendered.",
)
@click.option(
    "--sweep",
    "can_sweep",
    is_flag=True,
    help="Let every kind be listed too: all that is ours is found when the database is lost.",
)
@takes_facts
@prints_as("How to print; yaml when left out.")
def rbac(
    cluster: str | None,
    ask: Callable[[], FleetSource],
    account: str,
    is_wide: bool,
    can_sweep: bool,
    kubernetes_version: str | None,
    api_versions: tuple[str, ...],
    output: Output,
) -> int:
    """Print the least rights with which a cluster is kept equal to Git.

    They are made from what is rendered: kinds, namespaces, names. Works without a controller and
    without the cluster; nothing is granted until somebody applies it:
    `shoal cluster rbac -c dev | kubectl apply -f -`.
    """
    import anyio

    from shoal.binaries.showing import shown_progress
    from shoal.composition.granting import grants_for
    from shoal.composition.offline import Given
    from shoal.model.rights import Reach

    masking = masked_logs()
    namespace, name = _account_of(account)
    plugins = loaded_plugins()
    fleet = ask()
    catalog, broken = read_catalog(fleet, plugins, masking)
    chosen = cluster or _only_cluster(catalog)
    refuse_unknown_cluster(catalog, broken, chosen)
    reach = Reach(
        fleet=catalog.fleet,
        account=name,
        account_namespace=namespace,
        is_wide=is_wide,
        can_sweep=can_sweep,
    )
    with shown_progress() as progress, masked_errors(masking):
        given = Given(
            fleet_folder=fleet.folder,
            fleet=catalog.fleet,
            secrets_folder=fleet.settings.secrets,
            told=told(kubernetes_version, api_versions),
            progress=progress,
            known=masking.known,
        )
        found = anyio.run(partial(grants_for, chosen, catalog, given, plugins, reach))
    _print(output, found)
    return Ending.OK


def _print(output: Output, grants: Grants) -> None:
    from shoal.cli.objects import print_objects

    print_objects(output, grants.manifests, show_secrets=False)
    for sentence in grants.notes:
        note(f"note: {sentence}")


def _account_of(text: str) -> tuple[str, str]:
    """The namespace and the name of a service account."""
    namespace, _, name = text.partition("/")
    if not namespace or not name or "/" in name:
        raise click.UsageError(f"--account {text} is not NAMESPACE/NAME")
    return namespace, name


def _only_cluster(catalog: Catalog) -> str:
    if len(catalog.clusters) == 1:
        return next(iter(catalog.clusters))
    names = ", ".join(sorted(catalog.clusters))
    raise click.UsageError(f"name the cluster with -c: one of {names}")
