"""`shoal plugin`: which plugins are installed, what they registered, which could not be loaded."""

from __future__ import annotations

import click

from shoal.cli.ending import Ending, note
from shoal.cli.kinds import Kind
from shoal.cli.options import Output, prints
from shoal.cli.printing import print_list
from shoal.cli.tables import field, state

PLUGIN = Kind(
    "Plugin",
    "plugins",
    (),
    (
        field("PLUGIN", "plugin"),
        field("DISTRIBUTION", "distribution"),
        field("VERSION", "version"),
        state("STATE", "state"),
        field("SEAM", "seam"),
        field("NAME", "name"),
        field("MESSAGE", "message"),
    ),
    lambda item: "/".join(part for part in (item["plugin"], item["seam"], item["name"]) if part),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def plugin() -> None:
    """What plugins are there."""


@plugin.command("list")
@prints
def list_plugins(output: Output) -> int:
    """What each installed plugin registered; exit code 1 when one could not be loaded."""
    from shoal.composition.loading import load_plugins

    plugins = load_plugins()
    rows = [
        {
            "plugin": one.plugin,
            "distribution": one.distribution,
            "version": one.version,
            "state": "Loaded",
            "seam": one.seam,
            "name": one.name,
            "message": "",
        }
        for one in plugins.registrations
    ] + [
        {
            "plugin": one.plugin,
            "distribution": one.distribution,
            "version": one.version,
            "state": "Failed",
            "seam": "",
            "name": "",
            "message": one.message,
        }
        for one in plugins.failed
    ]
    print_list(output, PLUGIN, rows)
    if not rows:
        note("no plugins are installed; a fleet needs at least a source, a renderer and an access")
    return Ending.NO if plugins.failed else Ending.OK
