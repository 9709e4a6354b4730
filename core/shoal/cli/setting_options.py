"""The options of `shoal run`, made from the table of settings.

A flag and its variable are read here, by the type of the setting; the file is read beside them, and
`composition.configuring` says which of them counts.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem
from pydantic import ValidationError

from shoal.cli.ending import note
from shoal.cli.options import with_options
from shoal.composition.configuration_file import VARIABLE, find_file, read_file
from shoal.composition.configuring import (
    Configured,
    Given,
    Kind,
    Origin,
    configure,
    unknown_variables,
)
from shoal.composition.settings import LOOKS, Entry, Settings, table
from shoal.errors import InvalidDocument
from shoal.model.phrases import counted

_ON_ROOT = "plugins"  # `shoal --plugin`: every command loads plugins, not this one alone


class SettingType(click.ParamType[Any]):
    """One value of the table, read as the file would be."""

    def __init__(self, entry: Entry) -> None:
        self.name = entry.metavar.lower() or "value"
        self._entry = entry
        self.completes = "dir" if Path in _types_in(entry.info.annotation) else ""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it, or fail as a usage error."""
        name, is_list = self._entry.name, self._entry.is_list
        if _is_number(self._entry.info.annotation) and isinstance(value, str):
            if not value.isascii() or not value.removeprefix("-").isdigit():
                self.fail("expected a whole number", param, ctx)
            value = int(value)
        try:
            read = Settings.model_validate(
                {name: (value,) if is_list else value},
                context={LOOKS: True},
                by_name=True,
                by_alias=False,
            )
        except ValidationError as error:
            found = [each for each in error.errors(include_input=False) if name in each["loc"]]
            said = found[0]["msg"].removeprefix("Value error, ").removeprefix("Input ")
            self.fail(said, param, ctx)
        found = getattr(read, name)
        return found[0] if is_list else found

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Folders where a folder is meant."""
        return [CompletionItem(incomplete, type=self.completes)] if self.completes else []


def takes_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds an option for each setting and `--config`; handed on as one `configure`.

    It is a function, that reads the file and puts everything together when it is called.
    """

    def wrapped(*args: Any, config: Path | None, **kwargs: Any) -> Any:
        context = click.get_current_context()
        others = {name: value for name, value in kwargs.items() if name not in table()}
        return command(*args, configure=lambda: configured(context, config), **others)

    file_option = click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar=VARIABLE,
        show_envvar=True,
        metavar="FILE",
        help="A file with settings; else config.yaml in the user's configuration folder or in "
        "/etc/shoal, where there is one.",
    )
    options = [_option(entry) for entry in table().values() if entry.name != _ON_ROOT]
    return with_options(functools.update_wrapper(wrapped, command), (file_option, *options))


def _option(entry: Entry) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    choices = _choices(entry.info.annotation)
    # The default is not click's: only so can it be told from the same value, given.
    default = "" if entry.default in (None, "", ()) else f"  [default: {entry.default}]"
    repeatable = " Repeatable." if entry.is_list else ""
    return click.option(
        entry.flag,
        entry.name,
        type=click.Choice(choices) if choices else SettingType(entry),
        multiple=entry.is_list,
        envvar=entry.variable,
        show_envvar=True,
        metavar=entry.metavar or None,
        help=f"{entry.about}{repeatable}{default}",
    )


def configured(context: click.Context, named: Path | None, *, with_file: bool = True) -> Configured:
    """Everything together, of those settings that a command has an option for, and of the file.

    Says every problem of the file before it raises.
    """
    for variable in unknown_variables(os.environ):
        meant = f"; did you mean {variable.meant}?" if variable.meant else ""
        note(f"warning: the variable {variable.name} is not known, and nobody reads it{meant}")
    path = find_file(named) if with_file else None
    file = read_file(path) if path is not None else None
    if file is not None and file.problems:
        for problem in file.problems:
            note(problem.as_text())
        problems = counted(len(file.problems), "problem")
        raise InvalidDocument(
            f"the configuration {file.path} cannot be used: {problems}",
            next_step="correct what is said above; `shoal config show` tries it out",
        )
    return configure(_given(context), file)


def _given(context: click.Context) -> dict[str, Given]:
    """What flags and variables said, with the flags of `shoal` itself."""
    given: dict[str, Given] = {}
    for entry in table().values():
        asked = context.find_root() if entry.name == _ON_ROOT else context
        match asked.get_parameter_source(entry.name):
            case ParameterSource.COMMANDLINE:
                origin = Origin(Kind.FLAG, entry.flag)
            case ParameterSource.ENVIRONMENT:
                origin = Origin(Kind.ENVIRONMENT, entry.variable)
            case _:
                continue
        given[entry.name] = Given(asked.params[entry.name], origin)
    return given


def _choices(annotation: Any) -> list[str]:
    """The words of a setting that is one of a few."""
    if get_origin(annotation) is Literal:
        return [str(each) for each in get_args(annotation)]
    return [word for each in get_args(annotation) for word in _choices(each)]


def _types_in(annotation: Any) -> set[Any]:
    inner = get_args(annotation)
    return {annotation} | {found for each in inner for found in _types_in(each)}


def _is_number(annotation: Any) -> bool:
    """An address is none: its port is part of a text."""
    if get_origin(annotation) is tuple:
        return False
    return annotation is int or any(map(_is_number, get_args(annotation)))
