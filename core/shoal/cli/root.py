"""The command `shoal`: which commands there are, and nothing of what they do.

A command's module is imported when it is typed. Plugins are loaded only for a command that is not
built in, and for `--help`, which lists theirs too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from shoal.cli.plugin_commands import (
    about_command,
    commands_below,
    import_command,
    load_command,
)

BUILT_IN: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Look": {
        "status": ("shoal.cli.status:status", "The fleet on one screen."),
        "get": ("shoal.cli.getting:get", "List things of one kind, or show one."),
        "events": ("shoal.cli.getting:events", "What happened, and what happens."),
        "describe": ("shoal.cli.describing:describe", "Everything about one thing."),
        "tree": ("shoal.cli.tree:tree", "What an application has on its clusters."),
        "where": ("shoal.cli.where:where", "Where is my change: which clusters have it."),
        "render": ("shoal.cli.rendering:render", "Print what a cluster gets, offline."),
        "diff": ("shoal.cli.diffing:diff", "Show what would change on every cluster."),
        "drift": (
            "shoal.cli.drifting:drift",
            "See what was changed in clusters.",
        ),
        "history": ("shoal.cli.past:history", "What happened: who, what, when, why."),
        "trace": ("shoal.cli.past:trace", "The latest sync of an application, as spans."),
    },
    "Change": {
        "sync": ("shoal.cli.changing:sync", "Sync an application now."),
        "suspend": ("shoal.cli.changing:suspend", "Hold an application for a while."),
        "resume": ("shoal.cli.changing:resume", "End the suspension of an application."),
        "wait": ("shoal.cli.waiting:wait", "Wait until applications are as asked."),
        "approve": ("shoal.cli.changing:approve", "Release a hold."),
    },
    "Set up": {
        "init": ("shoal.cli.scaffolding:init", "Make the files of a fleet."),
        "bootstrap": ("shoal.cli.bootstrapping:bootstrap", "Begin a fleet in a repository."),
        "doctor": (
            "shoal.cli.doctoring:doctor",
            "Look whether everything is there that a fleet needs.",
        ),
        "alert": ("shoal.cli.alerts:alert", "Look after who is told of what."),
        "cluster": ("shoal.cli.clusters:cluster", "Look after the clusters of a fleet."),
        "explain": ("shoal.cli.field_reference:explain", "Tell what may be written in a document."),
        "config": ("shoal.cli.configuring:config", "How the controller is configured."),
        "validate": ("shoal.cli.validating:validate", "Check the documents of a fleet, offline."),
        "schema": ("shoal.cli.schema_writing:schema", "Print the JSON Schema of documents."),
        "plugin": ("shoal.cli.plugins:plugin", "What plugins are there."),
        "completion": (
            "shoal.cli.completion:completion",
            "Print the script that makes a shell complete.",
        ),
        "version": ("shoal.cli.version:version", "The version of this program."),
    },
    "Serve": {
        "run": ("shoal.cli.running:run", "Keep a fleet equal to Git."),
        "backup": ("shoal.cli.keeping:backup", "Write the state to a file."),
        "restore": ("shoal.cli.keeping:restore", "Put a backup in place of the state."),
    },
}
"""Section of the help → command → where it is, and one line about it."""

_PLACES = {name: place for section in BUILT_IN.values() for name, (place, _) in section.items()}


class Commands(click.Group):
    """Built-in commands by the table above, then those that plugins registered."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None when there is none of this name."""
        if own := _PLACES.get(cmd_name):
            return import_command(own)
        place = commands_below().get(cmd_name)
        return load_command(cmd_name, place) if place else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but the name that was probably meant is one of all of them."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            said = f"{error.message} Did you mean '{near[0]}'?"
            raise click.UsageError(said, error.ctx) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name; loads the plugins."""
        return sorted({*_PLACES, *commands_below()})

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, what plugins bring last."""
        for section, commands in BUILT_IN.items():
            self._write(formatter, section, [(name, text) for name, (_, text) in commands.items()])
        extra = {name: where for name, where in commands_below().items() if name not in _PLACES}
        rows = [(name, about_command(name, place)) for name, place in sorted(extra.items())]
        self._write(formatter, "From plugins", rows)

    def _write(
        self, formatter: click.HelpFormatter, section: str, rows: Sequence[tuple[str, str]]
    ) -> None:
        if rows:
            with formatter.section(section):
                formatter.write_dl(list(rows))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ok, 1 the answer is no, 2 usage, 3 failed, 4 not found, 5 not allowed, "
    "6 no answer (or not from all clusters), 7 timeout, 130 interrupted, "
    "141 unread (as in `| head`).",
)
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    is_eager=True,
    envvar="SHOAL_PLUGINS",
    metavar="NAME",
    help="A distribution whose plugins may be loaded: NAME, NAME==VERSION or "
    "NAME==VERSION@sha256:DIGEST; repeatable.",
)
def shoal(plugins: tuple[str, ...]) -> None:
    """Keep many Kubernetes clusters equal to what Git says."""
