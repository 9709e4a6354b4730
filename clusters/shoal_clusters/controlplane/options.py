"""Command-line options that say what local control planes are like, for all commands that start
some."""

from __future__ import annotations

import click

from shoal_clusters.controlplane.programs import KUBERNETES, NEWEST

kubernetes_option = click.option(
    "--kubernetes",
    type=click.Choice(list(KUBERNETES)),
    help=f"Minor version of the API servers.  [default: what is installed, else {NEWEST}]",
)
controllers_option = click.option(
    "--controllers",
    "has_controllers",
    is_flag=True,
    help="Run the real controllers, too (100 MiB each): then only nodes are simulated.",
)
