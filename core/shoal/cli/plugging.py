"""The plugins of a command: our own, and those that flag, variable or configuration file name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from shoal.cli.ending import note

if TYPE_CHECKING:
    from shoal.composition.loading import Plugins

OPTION = "plugins"
VARIABLE = "SHOAL_PLUGINS"


def named_plugins() -> tuple[str, ...]:
    """What is named by the flag of `shoal` itself, else by the variable, else by the file."""
    context = click.get_current_context(silent=True)
    given = context.find_root().params.get(OPTION) if context is not None else None
    # `--help` is answered before the variable is read.
    typed = tuple(os.environ.get(VARIABLE, "").split()) if given is None else given
    return typed or _named_by_file()


def _named_by_file() -> tuple[str, ...]:
    """What the file says that a controller of this user would read; nothing when it is broken."""
    from shoal.composition.configuration_file import file_of

    file = file_of(os.environ)
    if file is None:
        return ()
    if file.problems:
        problem = file.problems[0].as_text()
        note(f"warning: plugins that {file.path} names are not loaded: {problem}")
    found = file.values.get(OPTION)
    return tuple(found.value) if found is not None else ()


def loaded_plugins(named: Sequence[str] | None = None) -> Plugins:
    """Load those `named`; what cannot be loaded, and what nobody has named, is said on stderr."""
    from shoal.composition.allowing import read_named
    from shoal.composition.loading import load_plugins

    names = named_plugins() if named is None else named
    plugins = load_plugins(named=[read_named(each) for each in names])
    for failed in plugins.failed:
        origin = f"{failed.distribution} {failed.version}".rstrip()
        note(f"warning: plugin {failed.plugin} of {origin}: {failed.message}")
    for one in plugins.left_out:
        note(
            f"note: plugin {one.plugin} of {one.distribution} {one.version} is installed and not "
            f"named, so it is not loaded; to load it: shoal --plugin {one.distribution}"
        )
    return plugins
