"""Numbers the steps of the controller in this process, and kills it at one of them.

Installed in a child only: it wraps functions of the store, of the transport and of plugins.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from shoal.composition.loading import Plugins
from shoal.store.writing import Writer
from shoal_clusters.transport import Transport


class Steps:
    """Counts, writes each step down at once, and ends the process at the one it was told."""

    def __init__(self, log: Path, kill_at: int) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._kill_at = kill_at
        self._count = 0

    def pass_by(self, what: str) -> None:
        """One more step; what was written to a file outlives the process."""
        self._count += 1
        os.write(self._log, f"{self._count} {what}\n".encode())
        if self._count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def say(self, what: str) -> None:
        """Something that is no step, and that the judge wants to know."""
        os.write(self._log, f"- {what}\n".encode())


def install(steps: Steps, plugins: Plugins) -> None:
    """Have every step counted from now on."""
    event.listen(Engine, "commit", lambda _: steps.pass_by("before a commit"))
    _around(Writer, "_is_kept", steps, after="after a commit", blocks=True)
    _around(Transport, "_send", steps, before="before", after="after", name=_call)
    for source in plugins.sources.values():
        _around(type(source), "fetch", steps, before="before a fetch", after="after a fetch")
    for renderer in plugins.renderers.values():
        _around(type(renderer), "render", steps, before="before a render", after="after a render")


def _call(arguments: tuple[Any, ...]) -> str:
    """Method, path, and the color that is sent."""
    call = arguments[1]
    is_dry = "dryRun" in call.url.query_string
    color = re.search(rb'"color":"([^"]*)"', call.body or b"")
    sent = f" = {color[1].decode()}" if color and not is_dry else ""
    return f"{call.method} {call.url.path}{' (dry run)' * is_dry}{sent}"


def _around(
    owner: type,
    method: str,
    steps: Steps,
    *,
    before: str = "",
    after: str = "",
    name: Callable[[tuple[Any, ...]], str] = lambda _: "",
    blocks: bool = False,
) -> None:
    inner: Callable[..., Any] = getattr(owner, method)

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        _pass(before, args)
        found: Awaitable[Any] = inner(*args, **kwargs)
        result = await found
        _pass(after, args)
        return result

    def called(*args: Any, **kwargs: Any) -> Any:
        result = inner(*args, **kwargs)
        _pass(after, args)
        return result

    def _pass(when: str, args: tuple[Any, ...]) -> None:
        if when:
            steps.pass_by(f"{when} {name(args)}".strip())

    setattr(owner, method, called if blocks else awaited)
