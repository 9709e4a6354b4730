"""`shoal run`: one controller, in the foreground, until a signal."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from shoal import __version__
from shoal.cli.ending import Ending, note
from shoal.cli.plugging import loaded_plugins
from shoal.cli.setting_options import takes_settings

if TYPE_CHECKING:
    from anyio import CancelScope
    from anyio.abc import TaskStatus

    from shoal.composition.configuring import Configured
    from shoal.composition.loading import Plugins
    from shoal.composition.reloading import LiveConfiguration
    from shoal.composition.serving import OpenEngine

_STDERR = 2


@click.command()
@takes_settings
def run(configure: Callable[[], Configured]) -> int:
    """Keep every selected cluster equal to what the fleet's documents and their sources say.

    Runs until SIGTERM or Ctrl-C; a second Ctrl-C does not wait for what is in progress. Each option
    can be given as a variable or in a file, too: `shoal config show` says which one counts.
    """
    from shoal.composition.configuring import require_fleet

    configured = configure()
    require_fleet(configured)
    return run_until_signal(configured)


def run_until_signal(
    configured: Configured,
    *,
    plugins: Plugins | None = None,
    open_engine: OpenEngine | None = None,
) -> int:
    """Serve until a signal: 0 after SIGTERM, 130 after SIGINT; plugins and engine can be given."""
    import anyio

    from shoal.composition import engine
    from shoal.composition.reloading import LiveConfiguration
    from shoal.composition.serving import serve
    from shoal.composition.surroundings import pod_around
    from shoal.telemetry.logs import configure_logs, set_log_level, standard_handler
    from shoal.telemetry.masking import Masking
    from shoal.telemetry.shipping import build_shipping

    settings, configuration = configured.settings, LiveConfiguration(configured)
    as_json = None if settings.log_format is None else settings.log_format == "json"
    masking = Masking()
    shipping = build_shipping(__version__)
    beside = [] if shipping is None else [shipping]
    configure_logs(masking, as_json=as_json, beside=beside)
    logging.getLogger().addHandler(standard_handler(masking, as_json=as_json, beside=beside))
    set_log_level(settings.log_level)
    configuration.followers.append(lambda settings: set_log_level(settings.log_level))

    loaded = plugins or loaded_plugins(settings.plugins)
    received: list[signal.Signals] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            with anyio.CancelScope() as serving:
                await group.start(_heed_signals, serving, received, configuration)
                await serve(
                    configuration,
                    loaded,
                    open_engine or engine.open_engine,
                    masking,
                    pod=pod_around(os.environ),
                )
            group.cancel_scope.cancel()

    _spare_the_collector()
    try:
        anyio.run(main, backend_options={"use_uvloop": True})
    finally:
        if shipping is not None:
            shipping.shutdown()
    return Ending.INTERRUPTED if signal.SIGINT in received else Ending.OK


def _spare_the_collector() -> None:
    """Let garbage collection leave out what was imported: it stays until the end anyway.

    The loop stands still while the collector looks at every object, and a hundred thousand of them
    are modules, classes and functions: 50 ms on an idle core, thrice that on a busy one.
    """
    gc.collect()
    gc.freeze()


async def _heed_signals(
    serving: CancelScope,
    received: list[signal.Signals],
    configuration: LiveConfiguration,
    *,
    task_status: TaskStatus[None],
) -> None:
    """Cancel at the first signal to end; at the second, end at once: nothing needs a goodbye.

    SIGHUP reads the configuration again, unless the terminal was closed: that is an end as well.
    """
    import anyio

    had_terminal = os.isatty(_STDERR)
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        task_status.started()
        async for number in signals:
            if number is signal.SIGHUP:
                if had_terminal and not os.isatty(_STDERR):
                    serving.cancel()  # the shell says it too, so that a second one means nothing
                else:
                    configuration.read_again()
                continue
            if received:
                os._exit(Ending.INTERRUPTED)
            received.append(number)
            note("stopping; press Ctrl-C again to stop at once")
            serving.cancel()
