"""The one table of what a controller can be told: every option, variable and field comes from here.

A field of `Settings` is a value with one name in four spellings: `log_level` here, `--log-level` on
the command line, `SHOAL_LOG_LEVEL` in the environment, `logLevel` in the file. Its description is
the help text and the line of the reference. So whoever adds a value adds a field, and reads it
where it is used; nothing else has to be kept equal by hand. What concerns one cluster, source or
application stands in its document, and not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
)
from pydantic.fields import FieldInfo

from shoal.api.running import default_state_folder
from shoal.composition.allowing import read_named
from shoal.errors import Permanent
from shoal.model.choice import Spec, WholeNumber
from shoal.model.duration_fields import Duration
from shoal.model.durations import format_duration
from shoal.model.locations import is_remote
from shoal.planning.circuits import TIMING

LOOPBACK = "127.0.0.1"
LOOKS = "looks"
"""Key of the validation context: folders are looked at. Blocking; for what a person has written."""
BESIDE = "folder"
"""Key of the validation context: the folder of the file that is read; its paths start there."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the command line shows for a value, and whether a controller takes a new one as it runs.

    `is_live`: whoever uses the value asks for it each time. Everything else needs a restart.
    """

    metavar: str = ""
    is_live: bool = False
    flag: str = ""


def _beside_file(value: object, info: ValidationInfo) -> object:
    """A relative path in a file starts at the folder of that file, wherever the process was."""
    folder = (info.context or {}).get(BESIDE)
    return folder / value if folder is not None and isinstance(value, str) else value


def _fleet_beside_file(value: object, info: ValidationInfo) -> object:
    is_folder = isinstance(value, str) and value and not is_remote(value)
    return str(_beside_file(value, info)) if is_folder else value


def _read_address(value: object) -> object:
    """`HOST:PORT`, or `PORT` on loopback."""
    if isinstance(value, tuple | list):
        return value
    host, _, port = str(value).rpartition(":")
    if isinstance(value, bool) or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("expected HOST:PORT or PORT")
    return host.strip("[]") or LOOPBACK, int(port)


def _show_address(value: tuple[str, int]) -> str:
    host, port = value
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _not_a_file(value: Path, info: ValidationInfo) -> Path:
    if (info.context or {}).get(LOOKS) and value.is_file():
        raise ValueError("expected a folder, and this is a file")
    return value


def _a_folder(value: Path, info: ValidationInfo) -> Path:
    if (info.context or {}).get(LOOKS) and not value.is_dir():
        raise ValueError("expected a folder, and there is none")
    return value


def _not_too_often(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise ValueError("expected at least 1s")
    return value


def _not_too_seldom(value: timedelta) -> timedelta:
    if value > timedelta(minutes=5):
        raise ValueError("expected at most 5m: a cluster that is away would be noticed too late")
    return value


def _names_a_distribution(value: str) -> str:
    try:
        read_named(value)
    except Permanent as error:
        raise ValueError(f"expected a distribution: {error.next_step}") from error
    return value


Address = Annotated[
    tuple[str, int],
    BeforeValidator(_read_address, json_schema_input_type=str | int),
    PlainSerializer(_show_address),
]
Interval = Annotated[Duration, AfterValidator(_not_too_often)]
ProbeInterval = Annotated[Interval, AfterValidator(_not_too_seldom)]
Folder = Annotated[Path, BeforeValidator(_beside_file), AfterValidator(_not_a_file)]
ExistingFolder = Annotated[Path, BeforeValidator(_beside_file), AfterValidator(_a_folder)]
Location = Annotated[str, BeforeValidator(_fleet_beside_file)]
Distribution = Annotated[str, AfterValidator(_names_a_distribution)]


class Settings(Spec):
    """What a controller is told. `fleet` is a folder or a URL; `fleet_path` a folder inside it."""

    fleet: Annotated[Location, Setting("DIR|URL")] = Field(
        default="", description="The fleet's documents: a folder, or a repository by its URL."
    )
    fleet_path: Annotated[str, Setting("PATH")] = Field(
        default=".", description="The folder inside a fleet by URL."
    )
    fleet_branch: Annotated[str, Setting("BRANCH")] = Field(
        default="", description="The branch of a fleet by URL; its default branch when left out."
    )
    fleet_secret: Annotated[str, Setting("NAME")] = Field(
        default="",
        description="The secret for a fleet by URL: shoal/NAME/KEY in the folder of the secrets.",
    )
    fleet_interval: Annotated[Interval | None, Setting("DURATION", is_live=True)] = Field(
        default=None,
        description="How often the fleet's documents are looked at when nothing announces a "
        "change; 1s for a folder and 10s for a repository when left out.",
    )
    state: Annotated[Folder, Setting("DIR")] = Field(
        default_factory=lambda told: default_state_folder(told.get("fleet", "")),
        description="Where state is kept; below the user's state folder, one per fleet, when left "
        "out.",
    )
    secrets: Annotated[ExistingFolder | None, Setting("DIR")] = Field(
        default=None,
        description="Secrets as files: NAMESPACE/NAME/KEY, or NAME/KEY for the namespace default.",
    )
    webhook_listen: Annotated[Address | None, Setting("[HOST:]PORT")] = Field(
        default=None,
        description="Listen to webhooks; on loopback when HOST is left out. Off when left out.",
    )
    metrics_listen: Annotated[Address | None, Setting("[HOST:]PORT")] = Field(
        default=None,
        description="Serve /metrics, /healthz and /readyz; on loopback when HOST is left out. Off "
        "when left out.",
    )
    plugins: Annotated[tuple[Distribution, ...], Setting("NAME", flag="--plugin")] = Field(
        default=(),
        description="Distributions whose plugins may be loaded: NAME, NAME==VERSION or "
        "NAME==VERSION@sha256:DIGEST.",
    )
    allow_exec: Annotated[tuple[str, ...], Setting("PROGRAM", is_live=True)] = Field(
        default=(), description="Programs that a kubeconfig may run for its credential."
    )
    renders_at_once: Annotated[WholeNumber | None, Setting("NUMBER")] = Field(
        default=None,
        ge=1,
        le=64,
        description="Renders at one time; each keeps a core busy. Beside them go on as many that "
        "take long, four at most. When left out, as many as there are cores, from 2 to 4.",
    )
    render_memory_mib: Annotated[WholeNumber, Setting("MIB")] = Field(
        default=1024,
        ge=128,
        description="The memory, in MiB, that one render may take; one that needs more fails "
        "alone. What limits the controller's memory must leave room for all that run at one time.",
    )
    probe_interval: Annotated[ProbeInterval, Setting("DURATION")] = Field(
        default=TIMING.probe_interval,
        description="How often each cluster is asked whether it is there; five answers that do not "
        "come, one after the other, make it count as away.",
    )
    log_format: Annotated[Literal["json", "console"] | None, Setting()] = Field(
        default=None,
        description="How logs look, on stderr; console on a terminal and json elsewhere when left "
        "out.",
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Setting(is_live=True)] = (
        Field(default="info", description="The least important sort of log line that is written.")
    )

    @property
    def fleet_folder(self) -> Path | None:
        """The fleet's folder when it is local; None when it is fetched."""
        return None if is_remote(self.fleet) else Path(self.fleet).absolute()

    @property
    def fleet_location(self) -> str:
        """Where the fleet is, for people: the folder, or the repository and the folder in it."""
        is_whole = not is_remote(self.fleet) or self.fleet_path in ("", ".")
        return self.fleet if is_whole else f"{self.fleet}//{self.fleet_path}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table: a value in all its spellings, and what is told of it."""

    name: str
    field: str
    flag: str
    variable: str
    metavar: str
    about: str
    is_live: bool
    info: FieldInfo

    @property
    def is_list(self) -> bool:
        """Whether its flag may be repeated, and its variable holds several, by spaces."""
        kind = self.info.annotation
        return get_origin(kind) is tuple and get_args(kind)[1:] == (Ellipsis,)

    @property
    def default(self) -> Any:
        """What counts when nobody says anything; None when that depends on other things."""
        if self.info.default_factory is not None:
            return None
        default = self.info.default
        return format_duration(default) if isinstance(default, timedelta) else default


@cache
def table() -> Mapping[str, Entry]:
    """Every value by its name, in the order in which it is told."""
    return {name: _entry(name, info) for name, info in Settings.model_fields.items()}


def _entry(name: str, info: FieldInfo) -> Entry:
    setting = next(each for each in info.metadata if isinstance(each, Setting))
    return Entry(
        name=name,
        field=info.alias or name,
        flag=setting.flag or f"--{name.replace('_', '-')}",
        variable=f"SHOAL_{name.upper()}",
        metavar=setting.metavar,
        about=info.description or "",
        is_live=setting.is_live,
        info=info,
    )
