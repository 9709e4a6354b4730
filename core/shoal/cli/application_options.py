"""How a command is told which application it is about, and on which of its clusters."""

from __future__ import annotations

import click

from shoal.cli import completing

application_argument = click.argument(
    "application", metavar="APP", shell_complete=completing.applications
)
any_application_argument = click.argument(
    "application", metavar="[APP]", required=False, shell_complete=completing.applications
)
namespace_option = click.option(
    "-n", "--namespace", shell_complete=completing.namespaces, help="The namespace of APP."
)
clusters_option = click.option(
    "-c",
    "--cluster",
    "clusters",
    multiple=True,
    shell_complete=completing.clusters,
    help="Only this cluster; repeatable.",
)
cluster_globs_option = click.option(
    "-c",
    "--cluster",
    "clusters",
    metavar="GLOB",
    multiple=True,
    shell_complete=completing.clusters,
    help="Only what is on these clusters; repeatable.",
)
