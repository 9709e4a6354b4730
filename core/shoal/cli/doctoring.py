"""`shoal doctor`: is everything there that a fleet needs? One line each, and what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shoal.cli.ending import Ending, note
from shoal.cli.fleet_source import FleetSource, reads_fleet
from shoal.cli.hiding import masked_logs
from shoal.cli.kinds import Kind
from shoal.cli.options import Output, prints
from shoal.cli.phrasing import clean, colored, with_glyph
from shoal.cli.plugging import named_plugins
from shoal.cli.printing import print_list
from shoal.cli.progress import saying_progress, ticking
from shoal.cli.tables import field, state

if TYPE_CHECKING:
    from shoal.composition.checkup import Fleet
    from shoal.composition.configuration_file import ConfigurationFile
    from shoal.composition.diagnosing import Check
    from shoal.composition.loading import Plugins
    from shoal.telemetry.masking import Masking

CHECK = Kind(
    "Check",
    "checks",
    (),
    (field("SUBJECT", "subject"), state("FINDING", "finding"), field("MESSAGE", "message")),
    lambda item: str(item["subject"]).replace(" ", "/"),
)
_WIDEST = len("▲ Warning")


@click.command()
@reads_fleet
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="SHOAL_STATE",
    help="The state folder of the controller; the usual one of the fleet when left out.",
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
    ask: Callable[..., FleetSource], state: Path | None, allow_exec: tuple[str, ...], output: Output
) -> int:
    """Look whether everything is there that a fleet needs, from this machine, without a controller.

    Versions, plugins, programs, the state folder; and of a fleet its documents, secrets, sources,
    what is rendered, and whether each cluster answers, with which clock, and allows what is to be
    written there. Nothing is changed. Exit code 1 when something is wrong; a warning is none.
    What is not given here is taken from the configuration file that `shoal run` would read.
    """
    import anyio

    from shoal.composition.allowing import read_named
    from shoal.composition.checkup import check_all
    from shoal.composition.configuration_file import file_of
    from shoal.composition.loading import load_plugins

    file = file_of(os.environ)
    source = ask(with_file=file is None or not file.problems)
    masking = masked_logs()
    plugins = load_plugins(named=[read_named(each) for each in named_plugins()])
    checks = [] if file is None else [_of_file(file)]
    fleet, of_fleet = _read(source, plugins, masking) if source.is_named else (None, [])
    with saying_progress() as say:
        checks += anyio.run(check_all, plugins, source.settings.state, fleet, say)
    checks += of_fleet
    _print(output, checks, masking)
    if not source.is_named:
        note("no fleet was looked at: give --fleet DIR|URL")
    note(_summary(checks))
    return Ending.NO if any(check.finding == "Failed" for check in checks) else Ending.OK


def _of_file(file: ConfigurationFile) -> Check:
    """Whether what the controller would read can be used."""
    from shoal.composition.diagnosing import failed, ok

    if file.problems:
        step = "correct it; `shoal config show` tries it out"
        return failed("configuration", file.problems[0].as_text(), step)
    return ok("configuration", str(file.path))


def _read(
    source: FleetSource, plugins: Plugins, masking: Masking
) -> tuple[Fleet | None, list[Check]]:
    """The documents of the fleet; or what to say where it cannot be read."""
    import anyio

    from shoal.binaries import silent
    from shoal.composition.checking_fleet import FETCH_SECONDS
    from shoal.composition.checkup import Fleet
    from shoal.composition.diagnosing import Probe, diagnose
    from shoal.composition.offline import Given
    from shoal.documents import load

    settings, found = source.settings, list[Mapping[str, bytes]]()

    async def look() -> Sequence[Check]:
        found.append(await source.read(plugins, masking))
        return ()

    probe = Probe(f"fleet {settings.fleet_location}", look, FETCH_SECONDS)
    with ticking(f"reading {settings.fleet_location}"):
        checks = anyio.run(diagnose, [probe])
    if not found:
        return None, checks
    loaded = load(found[0], plugins.seams)
    given = Given(
        fleet_folder=source.folder,
        fleet=next((each.name for each in loaded.documents if each.kind == "Fleet"), ""),
        secrets_folder=settings.secrets,
        told={},
        progress=silent,
        known=masking.known,
        exec_allowed=frozenset(settings.allow_exec),
    )
    return Fleet(loaded, given, settings.fleet_location), checks


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
