"""`shoal plugin`: which plugins are installed, what they registered, which could not be loaded.

And `prepare`, which finds or makes the helper programs that they run: for an image that is built, a
machine that will lose its network, or somebody who does not want to wait later.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from shoal.cli.ending import Ending, note
from shoal.cli.kinds import PLUGIN, Kind
from shoal.cli.options import Output, prints
from shoal.cli.plugging import loaded_plugins, named_plugins
from shoal.cli.plugin_scaffolding import new
from shoal.cli.printing import print_list
from shoal.cli.tables import Item, field, state

if TYPE_CHECKING:
    from shoal.composition.programs import Found

PROGRAM = Kind(
    "Program",
    "programs",
    (),
    (
        field("PROGRAM", "program"),
        field("VERSION", "version"),
        state("STATE", "state"),
        field("PATH", "path"),
        field("MESSAGE", "message"),
    ),
    lambda item: item["program"],
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def plugin() -> None:
    """What plugins are there."""


@plugin.command("list")
@prints
def list_plugins(output: Output) -> int:
    """What each installed plugin registered; exit code 1 when one could not be loaded.

    What is not Shoal's own is loaded when its distribution is named: `shoal --plugin NAME`.
    """
    from shoal.composition.allowing import read_named
    from shoal.composition.loading import load_plugins
    from shoal.composition.plugin_views import plugin_views

    plugins = load_plugins(named=[read_named(each) for each in named_plugins()])
    rows = [asdict(one) for one in plugin_views(plugins)]
    print_list(output, PLUGIN, rows)
    if not rows:
        note("no plugins are installed; a fleet needs at least a source, a renderer and an access")
    return Ending.NO if plugins.failed else Ending.OK


@plugin.command("prepare")
@prints
def prepare(output: Output) -> int:
    """Find or make the helper programs of all plugins; exit code 3 when one cannot be had.

    A program that is not on this machine is downloaded, or built once, and kept in the user's
    cache. `shoal run` does the same when it starts.
    """
    import anyio

    from shoal.binaries.showing import shown_progress
    from shoal.composition.programs import found_programs

    plugins = loaded_plugins()

    async def find() -> list[Found]:
        with shown_progress() as progress:
            return [found async for found in found_programs(plugins, progress)]

    found = anyio.run(find)
    print_list(output, PROGRAM, [_program(each) for each in found])
    return Ending.FAILED if any(each.error for each in found) else Ending.OK


def _program(found: Found) -> Item:
    return {
        "program": found.program.name,
        "version": found.program.version,
        "state": "Failed" if found.error else "Ready",
        "path": str(found.path or ""),
        "message": str(found.error or ""),
    }


plugin.add_command(new)
