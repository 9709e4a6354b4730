"""`shoal cluster`: the group; what is not ours in it, such as `local`, comes by plugins."""

from __future__ import annotations

import click

from shoal.cli.cluster_editing import add, label, rm
from shoal.cli.cluster_pinging import ping
from shoal.cli.granting import rbac
from shoal.cli.plugin_commands import OpenGroup


@click.group(cls=OpenGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cluster() -> None:
    """Look after the clusters of a fleet."""


for command in (add, label, rm, ping, rbac):
    cluster.add_command(command)
