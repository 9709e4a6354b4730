"""Puts together what a controller is told: flag before environment, before file, before default.

Every value keeps where it came from, so that `shoal config show` can say it, of a command line that
is being tried out as well as of a controller that runs. Nothing is merged within a value: a list on
the command line replaces that of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from shoal.composition.configuration_file import VARIABLE, ConfigurationFile
from shoal.composition.settings import Settings, table
from shoal.errors import Permanent
from shoal.model.choice import nearest

OTHER_VARIABLES = frozenset(
    {VARIABLE, "SHOAL_BINARY_MIRROR", "SHOAL_TEST_KUBERNETES", "SHOAL_TRACE_PLUGINS"}
)
"""Variables that are known and no settings of a controller."""

# Kubernetes gives every container the addresses of Services; one may well be named after us.
_OF_A_SERVICE = re.compile(
    r"SHOAL(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?"
    r"|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


class Kind(StrEnum):
    """Where a value can come from; what stands first counts before what stands behind it."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


class Origin(NamedTuple):
    """Where one value came from; `where` is the flag, the variable, or file and line."""

    kind: Kind
    where: str = ""

    def __str__(self) -> str:
        match self.kind:
            case Kind.ENVIRONMENT | Kind.FLAG:
                return f"{self.kind} {self.where}"
            case _:
                return self.where or self.kind.value


class Given(NamedTuple):
    """A value that somebody gave."""

    value: Any
    origin: Origin


DEFAULT = Origin(Kind.DEFAULT)


@dataclass(frozen=True, slots=True)
class Configured:
    """The settings, and where each of them came from, by name.

    `given` is what flags and variables said, which nothing but a new start can change; `file` is
    what was read, None when there was no file.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    given: Mapping[str, Given]
    file: ConfigurationFile | None = None

    @classmethod
    def by_default(cls, settings: Settings) -> Configured:
        """Settings that a program made by itself, a test for instance."""
        return cls(settings, dict.fromkeys(table(), DEFAULT), {})

    def value(self, name: str) -> Any:
        """One value."""
        return getattr(self.settings, name)


def configure(given: Mapping[str, Given], file: ConfigurationFile | None) -> Configured:
    """Everything together; raises Permanent when the values do not fit one another."""
    told = {**(_written(file) if file is not None else {}), **given}
    try:
        settings = Settings.model_validate(
            {name: each.value for name, each in told.items()}, by_name=True, by_alias=False
        )
    except ValidationError as error:  # each value was read before; what is left is a bug of ours
        raise Permanent(f"the configuration cannot be used: {error}") from None
    origins = {name: told[name].origin if name in told else DEFAULT for name in table()}
    return Configured(settings, origins, given, file)


def _written(file: ConfigurationFile) -> dict[str, Given]:
    return {
        name: Given(each.value, Origin(Kind.FILE, f"{file.path}:{each.line}"))
        for name, each in file.values.items()
    }


def require_fleet(configured: Configured) -> None:
    """Raise Permanent when nobody says which fleet it is, or says of a folder what it cannot have.

    Only what was typed beside it is refused: a variable or a file may speak of another fleet.
    """
    if not configured.settings.fleet:
        file = configured.file
        place = f"write `fleet:` into {file.path}" if file else "write it into a file for --config"
        raise Permanent(
            "no fleet is named",
            next_step=f"give --fleet DIR|URL, set {table()['fleet'].variable}, or {place}",
        )
    if configured.settings.fleet_folder is not None:
        for name in ("fleet_path", "fleet_branch", "fleet_secret"):
            if configured.origins[name].kind is Kind.FLAG:
                raise Permanent(
                    f"{table()[name].flag} is for a fleet by URL, and {configured.settings.fleet} "
                    "is a folder",
                    next_step="leave it out, or give the URL as --fleet",
                )


def show_value(name: str, value: Any) -> Any:
    """A value as the file would say it: text, a number, a list of texts, or None."""
    # With a state, for it would be looked up on the disk otherwise.
    told = Settings.model_construct(**{"state": Path(), name: value})
    return told.model_dump(mode="json", by_alias=False, include={name})[name]


class UnknownVariable(NamedTuple):
    """A variable that looks like a setting and is none; `meant` is the nearest, if there is one."""

    name: str
    meant: str


def unknown_variables(names: Iterable[str]) -> list[UnknownVariable]:
    """Variables named after Shoal that nobody reads: probably written wrong."""
    known = {entry.variable for entry in table().values()} | OTHER_VARIABLES
    return [
        UnknownVariable(name, nearest(name, known) or "")
        for name in sorted(names)
        if name.startswith("SHOAL_") and name not in known and not _OF_A_SERVICE.fullmatch(name)
    ]
