"""`shoal completion`: what a shell reads to complete commands, options and live names."""

from __future__ import annotations

import os
from pathlib import PurePath

import click
from click.shell_completion import get_completion_class

from shoal.cli.ending import Ending

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_SHOAL_COMPLETE"
"""By this variable the script asks the program: click's way."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), required=False)
def completion(shell: str | None) -> int:
    """Print the script for your shell that completes commands, options and names.

    Applications, clusters, sources and holds are those of the running controller, or of the folder
    after --fleet. The shell is that of the variable SHELL when none is named.

    \b
    bash:  echo 'source <(shoal completion bash)' >> ~/.bashrc
    zsh:   echo 'source <(shoal completion zsh)' >> ~/.zshrc    (after compinit)
    fish:  shoal completion fish > ~/.config/fish/completions/shoal.fish
    """
    name = shell or PurePath(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise click.UsageError(f"name the shell: one of {', '.join(SHELLS)}")
    kind = get_completion_class(name)
    assert kind is not None
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, "shoal", VARIABLE).source())
    return Ending.OK
