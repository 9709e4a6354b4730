"""One controller as one process: engine, local API, and the listeners for webhooks and metrics.

`serve` runs until it is cancelled, or until one part fails, which ends the others: a controller
without its API, or an API without its controller, helps nobody.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import structlog
from anyio import to_thread
from anyio.abc import TaskStatus

from shoal.api.facade import Controller
from shoal.api.listening import open_api_socket, open_tcp_socket, serve_http
from shoal.api.monitoring import metrics_application
from shoal.api.routes import api_application
from shoal.api.running import announce
from shoal.api.webhooks import webhook_application
from shoal.composition.hosting import NotedSecrets, thread_runner
from shoal.composition.loading import Plugins
from shoal.composition.programs import find_programs
from shoal.composition.reloading import LiveConfiguration
from shoal.composition.secret_files import SecretFolder
from shoal.composition.settings import Settings
from shoal.errors import Permanent
from shoal.hooks.host import Pod, Secrets, ThreadRunner
from shoal.planning.circuits import TIMING, Timing
from shoal.telemetry.masking import Masking

log = structlog.get_logger("shoal.run")


@dataclass(frozen=True, slots=True)
class Foundation:
    """What the engine is built on, made once by `serve`. `pod` is where this process runs."""

    configuration: LiveConfiguration
    plugins: Plugins
    secrets: Secrets
    run_in_thread: ThreadRunner
    timing: Timing = TIMING
    masking: Masking = field(default_factory=Masking)
    pod: Pod | None = None

    @property
    def settings(self) -> Settings:
        """The settings in use at this moment."""
        return self.configuration.settings


OpenEngine = Callable[[Foundation], AbstractAsyncContextManager[Controller]]
"""Opens store, telemetry and engine; the engine runs while the context is open."""


async def serve(
    configuration: LiveConfiguration,
    plugins: Plugins,
    open_engine: OpenEngine,
    masking: Masking,
    *,
    pod: Pod | None = None,
    announced_below: Path | None = None,
    task_status: TaskStatus[Controller] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Run one controller until cancelled; `task_status` hears when its API answers.

    `masking` is the process's one, that its log lines pass, too; `pod` is where it runs, when that
    is in a cluster. `announced_below` replaces the
    user's state folder, where commands look for controllers.

    Raises StateInUse when another controller holds the state folder; like every error of a part
    that runs beside others, it can arrive inside an exception group.
    """
    run_in_thread, settings = thread_runner(), configuration.settings
    secrets = SecretFolder(settings.secrets, run_in_thread)
    if settings.webhook_listen is not None and settings.secrets is None:
        raise Permanent(
            "webhooks need secrets: every request would be refused",
            next_step="give --secrets DIR with <namespace>/webhook-<source>/token in it",
        )
    await find_programs(plugins)
    timing = replace(TIMING, probe_interval=settings.probe_interval)
    foundation = Foundation(
        configuration, plugins, secrets, run_in_thread, timing, masking=masking, pod=pod
    )
    # The engine comes first: it takes the lock of the state folder, so that the socket is ours.
    async with open_engine(foundation) as controller, anyio.create_task_group() as group:
        await group.start(_serve_api, controller, configuration, masking)
        if settings.webhook_listen is not None:
            address = settings.webhook_listen
            await group.start(_serve_webhooks, controller, secrets, masking, address)
        if settings.metrics_listen is not None:
            await group.start(_serve_metrics, controller, settings.metrics_listen)
        group.start_soon(configuration.follow, controller, run_in_thread)
        async with _announced(settings, announced_below):
            task_status.started(controller)
            await anyio.sleep_forever()


@asynccontextmanager
async def _announced(settings: Settings, below: Path | None) -> AsyncIterator[None]:
    """Let commands without --state find this controller, as long as it runs."""
    file = await to_thread.run_sync(announce, settings.state, settings.fleet, below)
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.Path(file).unlink(missing_ok=True)


async def _serve_api(
    controller: Controller,
    configuration: LiveConfiguration,
    masking: Masking,
    *,
    task_status: TaskStatus[None],
) -> None:
    listener = await to_thread.run_sync(open_api_socket, configuration.settings.state)
    application = api_application(controller, masking, configuration.as_fields)
    await serve_http(application, listener, local=True, task_status=task_status)


async def _serve_metrics(
    controller: Controller, address: tuple[str, int], *, task_status: TaskStatus[None]
) -> None:
    listener = open_tcp_socket(*address)
    host, port = listener.getsockname()[:2]
    log.info("metrics are served", host=host, port=port)
    await serve_http(
        metrics_application(controller), listener, local=False, task_status=task_status
    )


async def _serve_webhooks(
    controller: Controller,
    secrets: Secrets,
    masking: Masking,
    address: tuple[str, int],
    *,
    task_status: TaskStatus[None],
) -> None:
    listener = open_tcp_socket(*address)
    host, port = listener.getsockname()[:2]
    log.info("webhooks are listened to", host=host, port=port)
    application = webhook_application(controller, NotedSecrets(secrets, masking.known), masking)
    await serve_http(application, listener, local=False, task_status=task_status)
