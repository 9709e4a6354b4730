"""What commands have in common: how output looks, and which controller is meant."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

FORMATS = ("table", "json", "yaml", "name", "jsonl")


@dataclass(frozen=True, slots=True)
class Output:
    """How a command shall print; `format` is empty when the command has no default."""

    format: str = "table"
    headers: bool = True
    color: bool = False


def wants_color(choice: str) -> bool:
    """`--color`, then NO_COLOR and CLICOLOR_FORCE (no-color.org, bixense.com/clicolors)."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def prints(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `-o`, `--no-headers` and `--color`, handed on as one `output`."""
    return _printing(command, "table", "How to print.")


def prints_as(about: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The same without a default: the command chooses by what it prints, as `about` says."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        return _printing(command, "", about)

    return decorate


def _printing(command: Callable[..., Any], default: str, about: str) -> Callable[..., Any]:
    @click.option(
        "-o",
        "--output",
        "output_format",
        type=click.Choice(FORMATS),
        default=default or None,
        show_default=bool(default),
        help=about,
    )
    @click.option("--no-headers", is_flag=True, help="Leave the headings of tables out.")
    @click.option(
        "--color",
        type=click.Choice(("auto", "always", "never")),
        default="auto",
        show_default=True,
        help="Colour; auto obeys NO_COLOR and CLICOLOR_FORCE.",
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any, output_format: str | None, no_headers: bool, color: str, **kwargs: Any
    ) -> Any:
        output = Output(output_format or "", not no_headers, wants_color(color))
        return command(*args, output=output, **kwargs)

    return wrapped


state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    envvar="SHOAL_STATE",
    help="State folder of the controller; not needed when only one runs.",
)


def asks(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--state`, handed on as a `client` of the controller that is meant."""

    @state_option
    @functools.wraps(command)
    def wrapped(*args: Any, state: Path | None, **kwargs: Any) -> Any:
        from shoal.api.client import Client  # 20 ms that `version` and `--help` need not pay
        from shoal.api.running import find_state_folder
        from shoal.cli.progress import ticking

        waiting = functools.partial(ticking, "waiting for the controller")
        with Client(find_state_folder(state), waiting=waiting) as client:
            return command(*args, client=client, **kwargs)

    return wrapped


def with_options(
    command: Callable[..., Any], options: Sequence[Callable[..., Any]]
) -> Callable[..., Any]:
    """Adds options as decorators would that stand over the command in this order."""
    for option in reversed(options):
        command = option(command)
    return command
