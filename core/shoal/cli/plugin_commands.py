"""Commands that plugins bring: imported when they are typed, at the top or below a group of ours.

A plugin names its command `dance`, or `cluster local` to have it stand in the group `cluster`. What
is built in is found first, and then no plugin is loaded; `--help` lists both.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click


class CommandUnavailable(click.ClickException):
    """A plugin's command is registered and cannot be imported."""

    exit_code = 3


def import_command(place: str) -> click.Command:
    """The command at `module:attribute`; whatever its import raises is raised."""
    module, _, attribute = place.partition(":")
    command = getattr(import_module(module), attribute)
    if not isinstance(command, click.Command):
        raise TypeError(f"{place} is not a click command")
    return command


def commands_below(group: str = "") -> Mapping[str, str]:
    """The plugins' commands in a group of ours by name, or those at the top; loads the plugins."""
    from shoal.cli.plugging import loaded_plugins

    found = {}
    for words, place in loaded_plugins().commands.items():
        above, _, name = words.rpartition(" ")
        if above == group:
            found[name] = place
    return found


def load_command(name: str, place: str) -> click.Command:
    """The command of a plugin, or CommandUnavailable with the reason."""
    try:
        return import_command(place)
    except Exception as error:  # a plugin's border
        raise CommandUnavailable(
            f"the command {name} ({place}) cannot be loaded: {error}"
        ) from error


def about_command(name: str, place: str) -> str:
    """The line that help has about it."""
    try:
        return load_command(name, place).get_short_help_str(limit=60)
    except CommandUnavailable as error:
        return error.message


class OpenGroup(click.Group):
    """A group of ours that plugins may add commands to, by `<name of the group> <command>`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, ours first; None when there is none of this name."""
        if own := super().get_command(ctx, cmd_name):
            return own
        place = commands_below(str(self.name)).get(cmd_name)
        return load_command(f"{self.name} {cmd_name}", place) if place else None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name; loads the plugins."""
        return sorted({*super().list_commands(ctx), *commands_below(str(self.name))})

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Ours and theirs in one list; one that cannot be imported is listed with the reason."""
        own = {name: super(OpenGroup, self).get_command(ctx, name) for name in self.commands}
        rows = {
            name: command.get_short_help_str(limit=80) for name, command in own.items() if command
        }
        for name, place in commands_below(str(self.name)).items():
            rows.setdefault(name, about_command(f"{self.name} {name}", place))
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows.items()))
