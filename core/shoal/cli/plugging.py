"""The plugins of a command: our own and those that `shoal --plugin` or SHOAL_PLUGINS names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from shoal.cli.ending import note

if TYPE_CHECKING:
    from shoal.composition.loading import Plugins

OPTION = "plugins"
VARIABLE = "SHOAL_PLUGINS"


def named_plugins() -> tuple[str, ...]:
    """What the person who typed the command has named; of the outermost command, `shoal` itself."""
    context = click.get_current_context(silent=True)
    given = context.find_root().params.get(OPTION) if context is not None else None
    # `--help` is answered before the variable is read.
    return tuple(os.environ.get(VARIABLE, "").split()) if given is None else given


def loaded_plugins() -> Plugins:
    """Load them; what cannot be loaded, and what nobody has named, is said on stderr."""
    from shoal.composition.allowing import read_named
    from shoal.composition.loading import load_plugins

    plugins = load_plugins(named=[read_named(each) for each in named_plugins()])
    for failed in plugins.failed:
        origin = f"{failed.distribution} {failed.version}".rstrip()
        note(f"warning: plugin {failed.plugin} of {origin}: {failed.message}")
    for one in plugins.left_out:
        note(
            f"note: plugin {one.plugin} of {one.distribution} {one.version} is installed and not "
            f"named, so it is not loaded; to load it: shoal --plugin {one.distribution}"
        )
    return plugins
