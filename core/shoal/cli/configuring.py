"""`shoal config`: what a controller is told, and where each value comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from shoal.cli.ending import Ending, note
from shoal.cli.kinds import Kind
from shoal.cli.options import Output, prints
from shoal.cli.printing import print_list
from shoal.cli.setting_options import takes_settings
from shoal.cli.tables import Column, Item, field
from shoal.model.phrases import counted

if TYPE_CHECKING:
    from shoal.composition.configuring import Configured


def _value(item: Item, now: datetime) -> str:
    return _shown(item["value"])


def _pending(item: Item, now: datetime) -> str:
    origin = item["afterRestartFrom"]
    return f"after a restart: {_shown(item['afterRestart'])} ({origin})" if origin else ""


_COLUMNS = (
    field("SETTING", "setting"),
    Column("VALUE", _value),
    field("FROM", "from"),
    field("EFFECT", "effect"),
)
SETTING = Kind("Setting", "configuration", (), _COLUMNS, lambda item: item["setting"])
RUNNING = Kind(
    "Setting",
    "configuration",
    (),
    (*_COLUMNS, Column("MESSAGE", _pending)),
    lambda item: item["setting"],
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def config() -> None:
    """How the controller is configured."""


@config.command()
@click.option("--running", is_flag=True, help="What the running controller uses; see --state.")
@click.option("--defaults", is_flag=True, help="What counts where nothing is said.")
@takes_settings
@prints
def show(configure: Callable[[], Configured], running: bool, defaults: bool, output: Output) -> int:
    """Every setting, its value and where it comes from: a flag, a variable, the file, a default.

    Without --running it is what `shoal run` would use if it were started here, with the same
    options. A setting whose effect is Live is taken over by a controller that runs when its file
    changes; Restart needs a restart.
    """
    if running and defaults:
        raise click.UsageError("give either --running or --defaults")
    if running:
        return _show_running(configure, output)
    from shoal.composition.configuring import Configured
    from shoal.composition.reloading import setting_fields
    from shoal.composition.settings import Settings, table
    from shoal.telemetry.masking import safe

    configured = Configured.by_default(Settings()) if defaults else configure()
    items: list[dict[str, Any]] = [setting_fields(name, configured) for name in table()]
    for item in items:
        if (
            item["setting"] == "state"
            and not configured.settings.fleet
            and item["from"] == "default"
        ):
            item["value"] = None  # it depends on the fleet
        if isinstance(item["value"], str):
            item["value"] = safe(item["value"], None)
    print_list(output, SETTING, items)
    if not defaults:
        note(_about_file(configured))
    return Ending.OK


def _show_running(configure: Callable[[], Configured], output: Output) -> int:
    from shoal.api.client import Client
    from shoal.api.running import find_state_folder

    state = click.get_current_context().params.get("state")
    with Client(find_state_folder(state)) as client:
        told = client.get("configuration")
    print_list(output, RUNNING, told["items"])
    return _tell(told)


def _tell(told: dict[str, Any]) -> int:
    """What a person should know beside the values; 1 when the file does not count as it is."""
    problems: Sequence[str] = told["problems"]
    for problem in problems:
        note(f"warning: {problem}")
    if problems:
        note("what was read from the file before goes on to count")
    waiting = sum(bool(each["afterRestartFrom"]) for each in told["items"])
    if waiting:
        count = "counts" if waiting == 1 else "count"
        note(f"{counted(waiting, 'setting')} of the file {count} after a restart")
    note(f"file: {told['file']}" if told["file"] else "no file was read")
    return Ending.NO if problems else Ending.OK


def _about_file(configured: Configured) -> str:
    from shoal.composition.configuration_file import default_places

    if configured.file is not None:
        return f"file: {configured.file.path}"
    return f"no file: there is neither {' nor '.join(map(str, default_places()))}"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "-"
    return "-" if value in (None, "") else str(value)
