"""`shoal doctor`: is everything there that a fleet needs? One line each, and what to do."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shoal.cli.ending import Ending, note
from shoal.cli.hiding import masked_logs
from shoal.cli.kinds import Kind
from shoal.cli.options import Output, prints
from shoal.cli.phrasing import clean, colored, with_glyph
from shoal.cli.plugging import named_plugins
from shoal.cli.printing import print_list
from shoal.cli.progress import saying_progress
from shoal.cli.tables import field, state

if TYPE_CHECKING:
    from shoal.composition.checkup import Fleet
    from shoal.composition.diagnosing import Check
    from shoal.composition.loading import Plugins
    from shoal.telemetry.known import KnownSecrets
    from shoal.telemetry.masking import Masking

CHECK = Kind(
    "Check",
    "checks",
    (),
    (field("SUBJECT", "subject"), state("FINDING", "finding"), field("MESSAGE", "message")),
    lambda item: str(item["subject"]).replace(" ", "/"),
)
_WIDEST = len("▲ Warning")
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option(
    "--fleet",
    type=_FOLDER,
    metavar="DIR",
    envvar="SHOAL_FLEET",
    help="The fleet's folder; here, when left out and there is a fleet.yaml.",
)
@click.option(
    "--state",
    "state_folder",
    type=_FOLDER,
    envvar="SHOAL_STATE",
    help="The state folder of the controller; the usual one of the fleet when left out.",
)
@click.option(
    "--secrets",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    envvar="SHOAL_SECRETS",
    help="Secrets as files, as `shoal run` gets them: NAMESPACE/NAME/KEY.",
)
@click.option(
    "--allow-exec",
    multiple=True,
    envvar="SHOAL_ALLOW_EXEC",
    metavar="PROGRAM",
    help="A program that a kubeconfig may run for its credential; repeatable.",
)
@prints
def doctor(
    fleet: Path | None,
    state_folder: Path | None,
    secrets: Path | None,
    allow_exec: tuple[str, ...],
    output: Output,
) -> int:
    """Look whether everything is there that a fleet needs, from this machine, without a controller.

    Versions, plugins, programs, the state folder; and of a fleet its documents, secrets, sources,
    what is rendered, and whether each cluster answers, with which clock, and allows what is to be
    written there. Nothing is changed. Exit code 1 when something is wrong; a warning is none.
    What is not given here is taken from the configuration file that `shoal run` would read.
    """
    import anyio

    from shoal.api.running import default_state_folder
    from shoal.composition.allowing import read_named
    from shoal.composition.checkup import check_all
    from shoal.composition.loading import load_plugins

    written, of_file = _configuration()
    if fleet is None:
        fleet = Path() if Path("fleet.yaml").is_file() else _folder(written.get("fleet"))
    state_folder = state_folder or written.get("state")
    secrets = secrets or written.get("secrets")
    allow_exec = allow_exec or tuple(written.get("allow_exec", ()))
    masking = masked_logs()
    plugins = load_plugins(named=[read_named(each) for each in named_plugins()])
    state_folder = state_folder or default_state_folder(str(fleet or Path()))
    given = _given(fleet, secrets, allow_exec, plugins, masking.known) if fleet else None
    with saying_progress() as say:
        checks = [*of_file, *anyio.run(check_all, plugins, state_folder, given, say)]
    _print(output, checks, masking)
    if fleet is None:
        note("no fleet was looked at: give --fleet DIR; of one by URL, a clone")
    note(_summary(checks))
    return Ending.NO if any(check.finding == "Failed" for check in checks) else Ending.OK


def _configuration() -> tuple[Mapping[str, Any], Sequence[Check]]:
    """What the file of the controller says, and whether it can be used; nothing without a file."""
    from shoal.composition.configuration_file import file_of
    from shoal.composition.diagnosing import failed, ok

    file = file_of(os.environ)
    if file is None:
        return {}, ()
    if file.problems:
        step = "correct it; `shoal config show` tries it out"
        return {}, [failed("configuration", file.problems[0].as_text(), step)]
    values = {name: each.value for name, each in file.values.items()}
    return values, [ok("configuration", str(file.path))]


def _folder(fleet: str | None) -> Path | None:
    """The fleet of the file where it is a folder; one by URL is not cloned for a look."""
    from shoal.model.locations import is_remote

    return Path(fleet) if fleet and not is_remote(fleet) else None


def _given(
    fleet: Path,
    secrets: Path | None,
    allow_exec: tuple[str, ...],
    plugins: Plugins,
    known: KnownSecrets,
) -> Fleet:
    from shoal.binaries import silent
    from shoal.cli.fleet_files import read_fleet
    from shoal.composition.checkup import Fleet
    from shoal.composition.offline import Given
    from shoal.documents import load

    loaded = load(read_fleet(fleet), plugins.seams)
    name = next((each.name for each in loaded.documents if each.kind == "Fleet"), "")
    return Fleet(
        loaded,
        Given(
            fleet_folder=fleet,
            fleet=name,
            secrets_folder=secrets,
            told={},
            progress=silent,
            known=known,
            exec_allowed=frozenset(allow_exec),
        ),
    )


def _print(output: Output, checks: Sequence[Check], masking: Masking) -> None:
    """Lines for people; a next step on a line of its own below what is not well."""
    items = [
        {key: masking.text(str(value), None) for key, value in asdict(each).items()}
        for each in checks
    ]
    if output.format != "table":
        print_list(output, CHECK, items)
        return
    width = max((len(item["subject"]) for item in items), default=0)
    for item in items:
        finding = with_glyph(item["finding"])
        line = f"{finding:<{_WIDEST}}  {item['subject']:<{width}}  {item['message']}"
        shown = colored(finding, item["finding"], color=output.color)
        click.echo(clean(line).replace(finding, shown, 1), color=output.color)
        if item["next_step"]:
            click.echo(f"{'':<{_WIDEST}}  {'':<{width}}  next: {clean(item['next_step'])}")


def _summary(checks: Sequence[Check]) -> str:
    found = [str(each.finding) for each in checks]
    wrong, doubtful = found.count("Failed"), found.count("Warning")
    told = f"{len(checks)} checks"
    if not wrong and not doubtful:
        return f"✔ {told}, all of them well"
    return f"{told}: {wrong} wrong, {doubtful} to look at"
