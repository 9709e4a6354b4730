"""`shoal run`: one controller, in the foreground, until a signal."""

from __future__ import annotations

import gc
import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shoal.api.running import default_state_folder
from shoal.cli.ending import Ending, note
from shoal.cli.plugging import loaded_plugins

if TYPE_CHECKING:
    from anyio import CancelScope
    from anyio.abc import TaskStatus

    from shoal.composition.loading import Plugins
    from shoal.composition.serving import OpenEngine, Settings

_LOOPBACK = "127.0.0.1"


class AddressType(click.ParamType[tuple[str, int]]):
    """`HOST:PORT`, or `PORT` on loopback."""

    name = "address"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Read it, or fail as a usage error."""
        host, _, port = str(value).rpartition(":")
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            self.fail(f"{value!r} is not HOST:PORT or PORT", param, ctx)
        return host.strip("[]") or _LOOPBACK, int(port)


@click.command()
@click.option("--fleet", required=True, metavar="DIR|URL", help="The fleet's documents.")
@click.option("--fleet-path", default=".", metavar="PATH", help="The folder inside a fleet by URL.")
@click.option("--fleet-branch", default="", metavar="BRANCH", help="The branch of a fleet by URL.")
@click.option(
    "--fleet-secret",
    default="",
    metavar="NAME",
    help="The secret for a fleet by URL: shoal/NAME/KEY in the folder of --secrets.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="SHOAL_STATE",
    help="Where state is kept; by default below the user's state folder, one per fleet.",
)
@click.option(
    "--secrets",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Secrets as files: NAMESPACE/NAME/KEY, or NAME/KEY for the namespace default.",
)
@click.option(
    "--webhook-listen",
    type=AddressType(),
    metavar="[HOST:]PORT",
    help="Listen to webhooks; on loopback when HOST is left out. Off without this option.",
)
@click.option(
    "--allow-exec",
    multiple=True,
    metavar="PROGRAM",
    help="A program that a kubeconfig may run for its credential; repeatable.",
)
@click.option(
    "--log-format",
    type=click.Choice(("json", "console")),
    help="How logs look, on stderr; without it, console on a terminal and json elsewhere.",
)
def run(
    fleet: str,
    fleet_path: str,
    fleet_branch: str,
    fleet_secret: str,
    state: Path | None,
    secrets: Path | None,
    webhook_listen: tuple[str, int] | None,
    allow_exec: tuple[str, ...],
    log_format: str | None,
) -> int:
    """Keep every selected cluster equal to what the fleet's documents and their sources say.

    Runs until SIGTERM or Ctrl-C; a second Ctrl-C does not wait for what is in progress.
    """
    from shoal.composition.serving import Settings

    settings = Settings(
        fleet=fleet,
        fleet_path=fleet_path,
        fleet_branch=fleet_branch,
        fleet_secret=fleet_secret,
        state_folder=state or default_state_folder(fleet),
        secrets_folder=secrets,
        webhook_listen=webhook_listen,
        exec_allowed=frozenset(allow_exec),
    )
    return run_until_signal(settings, log_format=log_format)


def run_until_signal(
    settings: Settings,
    *,
    log_format: str | None = None,
    plugins: Plugins | None = None,
    open_engine: OpenEngine | None = None,
) -> int:
    """Serve until a signal: 0 after SIGTERM, 130 after SIGINT; plugins and engine can be given."""
    import anyio

    from shoal.composition import engine
    from shoal.composition.serving import serve
    from shoal.telemetry.logs import configure_logs, standard_handler
    from shoal.telemetry.masking import Masking

    as_json = None if log_format is None else log_format == "json"
    masking = Masking()
    configure_logs(masking, as_json=as_json)
    logging.getLogger().addHandler(standard_handler(masking, as_json=as_json))

    loaded = plugins or loaded_plugins()
    received: list[signal.Signals] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            with anyio.CancelScope() as serving:
                await group.start(_cancel_at_signal, serving, received)
                await serve(settings, loaded, open_engine or engine.open_engine, masking)
            group.cancel_scope.cancel()

    _spare_the_collector()
    anyio.run(main, backend_options={"use_uvloop": True})
    return Ending.INTERRUPTED if signal.SIGINT in received else Ending.OK


def _spare_the_collector() -> None:
    """Let garbage collection leave out what was imported: it stays until the end anyway.

    The loop stands still while the collector looks at every object, and a hundred thousand of them
    are modules, classes and functions: 50 ms on an idle core, thrice that on a busy one.
    """
    gc.collect()
    gc.freeze()


async def _cancel_at_signal(
    serving: CancelScope, received: list[signal.Signals], *, task_status: TaskStatus[None]
) -> None:
    """Cancel at the first signal; at the second, end at once: nothing on disk needs a goodbye."""
    import anyio

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            if received:
                os._exit(Ending.INTERRUPTED)
            received.append(number)
            note("stopping; press Ctrl-C again to stop at once")
            serving.cancel()
