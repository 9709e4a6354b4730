"""One controller as one process: the engine, the local API and the webhook listener together.

`serve` runs until it is cancelled, or until one part fails, which ends the others: a controller
without its API, or an API without its controller, helps nobody.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import structlog
from anyio import to_thread
from anyio.abc import TaskStatus

from shoal.api.facade import Controller
from shoal.api.listening import open_api_socket, open_tcp_socket, serve_http
from shoal.api.routes import api_application
from shoal.api.running import announce
from shoal.api.webhooks import webhook_application
from shoal.composition.hosting import NotedSecrets, thread_runner
from shoal.composition.loading import Plugins
from shoal.composition.programs import find_programs
from shoal.composition.secret_files import SecretFolder
from shoal.errors import Permanent
from shoal.hooks.host import Secrets, ThreadRunner
from shoal.planning.circuits import TIMING, Timing
from shoal.telemetry.masking import Masking

_USER_AT_HOST = re.compile(r"[^/]+@[^/]+:")  # git@host:path, which is ssh too
log = structlog.get_logger("shoal.run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `shoal run` was told. `fleet` is a folder or a URL; `fleet_path` a folder inside it.

    `fleet_secret` is a secret of the namespace `shoal`.
    """

    fleet: str
    state_folder: Path
    fleet_path: str = "."
    fleet_branch: str = ""
    fleet_secret: str = ""
    secrets_folder: Path | None = None
    webhook_listen: tuple[str, int] | None = None
    exec_allowed: frozenset[str] = frozenset()
    state_root: Path | None = None

    @property
    def fleet_folder(self) -> Path | None:
        """The fleet's folder when it is local; None when it is fetched."""
        is_remote = "://" in self.fleet or _USER_AT_HOST.match(self.fleet)
        return None if is_remote else Path(self.fleet).absolute()


@dataclass(frozen=True, slots=True)
class Foundation:
    """What the engine is built on, made once by `serve`."""

    settings: Settings
    plugins: Plugins
    secrets: Secrets
    run_in_thread: ThreadRunner
    timing: Timing = TIMING
    masking: Masking = field(default_factory=Masking)


OpenEngine = Callable[[Foundation], AbstractAsyncContextManager[Controller]]
"""Opens store, telemetry and engine; the engine runs while the context is open."""


async def serve(
    settings: Settings,
    plugins: Plugins,
    open_engine: OpenEngine,
    masking: Masking,
    *,
    task_status: TaskStatus[Controller] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Run one controller until cancelled; `task_status` hears when its API answers.

    `masking` is the process's one, that its log lines pass, too.

    Raises StateInUse when another controller holds the state folder; like every error of a part
    that runs beside others, it can arrive inside an exception group.
    """
    run_in_thread = thread_runner()
    secrets = SecretFolder(settings.secrets_folder, run_in_thread)
    if settings.webhook_listen is not None and settings.secrets_folder is None:
        raise Permanent(
            "webhooks need secrets: every request would be refused",
            next_step="give --secrets DIR with <namespace>/webhook-<source>/token in it",
        )
    await find_programs(plugins)
    foundation = Foundation(settings, plugins, secrets, run_in_thread, masking=masking)
    # The engine comes first: it takes the lock of the state folder, so that the socket is ours.
    async with open_engine(foundation) as controller, anyio.create_task_group() as group:
        await group.start(_serve_api, controller, settings.state_folder, masking)
        if settings.webhook_listen is not None:
            address = settings.webhook_listen
            await group.start(_serve_webhooks, controller, secrets, masking, address)
        async with _announced(settings):
            task_status.started(controller)
            await anyio.sleep_forever()


@asynccontextmanager
async def _announced(settings: Settings) -> AsyncIterator[None]:
    """Let commands without --state find this controller, as long as it runs."""
    file = await to_thread.run_sync(
        announce, settings.state_folder, settings.fleet, settings.state_root
    )
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.Path(file).unlink(missing_ok=True)


async def _serve_api(
    controller: Controller, state: Path, masking: Masking, *, task_status: TaskStatus[None]
) -> None:
    listener = await to_thread.run_sync(open_api_socket, state)
    application = api_application(controller, masking)
    await serve_http(application, listener, local=True, task_status=task_status)


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
