"""The border between the engine and plugins: every call of a seam goes through here.

A call gets a deadline; what a plugin raises that is not one of our errors becomes PluginFailed,
which names the seam, the plugin and the subject. Nothing else catches a plugin's exceptions.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import anyio
import structlog

from shoal.errors import PluginFailed, ShoalError

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class CallTrace(Protocol):
    """Told of every seam call when `SHOAL_TRACE_PLUGINS` is set."""

    def __call__(self, seam: str, plugin: str, subject: str, seconds: float, outcome: str) -> None:
        """One call has ended."""
        ...


def silent(seam: str, plugin: str, subject: str, seconds: float, outcome: str) -> None:
    """The trace that tells nobody."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Makes guarded calls. `describe` turns a plugin's name into name, distribution and version."""

    describe: Callable[[str, str], str] = lambda seam, plugin: plugin
    trace: CallTrace = silent

    @contextmanager
    def call(self, seam: str, plugin: str, subject: str, *, seconds: float) -> Iterator[None]:
        """A border with a deadline around awaits of one seam call."""
        started = time.monotonic()
        outcome = "cancelled"
        try:
            with anyio.fail_after(seconds):
                yield
            outcome = "ok"
        except ShoalError as error:
            outcome = error.reason
            raise
        except TimeoutError as error:
            outcome = "timeout"
            raise PluginFailed(
                f"{seam} {self.describe(seam, plugin)} did not answer for {subject} "
                f"within {seconds:g} s"
            ) from error
        except Exception as error:  # the border to a plugin: anything may come out of it
            outcome = type(error).__name__
            _log.exception("plugin raised", seam=seam, plugin=plugin, subject=subject)
            raise PluginFailed(
                f"{seam} {self.describe(seam, plugin)} failed for {subject}: {outcome}",
                next_step="see the controller's log for its traceback",
            ) from error
        finally:
            self.trace(seam, plugin, subject, time.monotonic() - started, outcome)

    async def stream(
        self, seam: str, plugin: str, subject: str, source: AsyncIterator[T]
    ) -> AsyncGenerator[T, None]:
        """The same border around an iteration; it has no deadline, its steps have their own."""
        try:
            async for item in source:
                yield item
        except ShoalError:
            raise
        except Exception as error:  # the border to a plugin: anything may come out of it
            _log.exception("plugin raised", seam=seam, plugin=plugin, subject=subject)
            raise PluginFailed(
                f"{seam} {self.describe(seam, plugin)} failed for {subject}: "
                f"{type(error).__name__}",
                next_step="see the controller's log for its traceback",
            ) from error
