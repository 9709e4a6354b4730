"""The border between the engine and plugins: every call of a seam goes through here.

A call gets a deadline, and its answer is looked at: it is what the seam promises, or nonsense. What
a plugin raises that is not one of our errors, whatever it is, becomes PluginFailed, which names the
seam, the plugin, its distribution and version, and the subject. A call that does not end when it is
cancelled is left behind (see `driving`), and nothing more is asked of the plugin for that subject
until it ends. Nothing else catches a plugin's exceptions.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

import anyio
import structlog

from shoal.engine.answers import Nonsense
from shoal.engine.blaming import blamed, is_cancellation, named
from shoal.engine.driving import ENDING_SECONDS, Driven
from shoal.engine.keeping import Pump, Stay
from shoal.engine.stepping import Steps
from shoal.errors import PluginFailed

T = TypeVar("T")
_log = structlog.get_logger(__name__)
CLOSING_SECONDS = 10.0  # for what a plugin does when a session is closed


class CallTrace(Protocol):
    """Told of every seam call when `SHOAL_TRACE_PLUGINS` is set."""

    def __call__(self, seam: str, plugin: str, subject: str, seconds: float, outcome: str) -> None:
        """One call has ended."""
        ...


def silent(seam: str, plugin: str, subject: str, seconds: float, outcome: str) -> None:
    """The trace that tells nobody."""


class _Call(NamedTuple):
    """Who is asked, and for whom; `plugin` as in documents, or the method where there is one."""

    seam: str
    plugin: str
    subject: str


@dataclass(frozen=True, slots=True)
class Guard:
    """Makes guarded calls. `describe` turns a plugin's name into name, distribution and version.

    `steps` knows whose step the loop is taking. `left` are the calls that were left behind.
    """

    describe: Callable[[str, str], str] = lambda seam, plugin: plugin
    trace: CallTrace = silent
    steps: Steps = field(default_factory=Steps)
    left: dict[_Call, Driven[Any]] = field(default_factory=dict[_Call, Driven[Any]])
    ending_seconds: float = ENDING_SECONDS

    async def ask(
        self,
        seam: str,
        plugin: str,
        subject: str,
        what: Callable[[], Awaitable[Any]],
        *,
        seconds: float,
        answer: Callable[[Any], T],
    ) -> T:
        """One call of a seam that is awaited; `answer` makes sure that it is what was promised.

        Or code of ours that reads what a plugin has given: a tree reads when it is looked at.
        """
        call = _Call(seam, plugin, subject)
        with self._border(call, seconds):
            driven = self._begun(call, what)
            try:
                await driven.wait(seconds)
                return answer(driven.answer())
            finally:
                await self._end(call, driven)

    def say(
        self,
        seam: str,
        plugin: str,
        subject: str,
        what: Callable[[], Any],
        answer: Callable[[Any], T],
    ) -> T:
        """One call of a seam that is plain code, and answers at once."""
        call = _Call(seam, plugin, subject)
        with self._border(call, math.inf), self.steps.under(self._named(call)):
            return answer(what())

    async def stream(
        self,
        seam: str,
        plugin: str,
        subject: str,
        source: Callable[[], AsyncIterator[Any]],
        *,
        answer: Callable[[Any], T],
        step_seconds: float = math.inf,
    ) -> AsyncGenerator[T, None]:
        """The same border around an iteration; each step has a deadline, and its end too."""
        call, pump = _Call(seam, plugin, subject), Pump(source)
        with self._border(call, step_seconds):
            driven = self._begun(call, pump.run)
        try:
            while True:
                with self._border(call, step_seconds):
                    found = await pump.next(driven.task, step_seconds)
                    if not found:
                        driven.answer()
                        return
                    item = answer(found[0])
                yield item
        finally:
            await self._end(call, driven)

    @asynccontextmanager
    async def opened(
        self,
        seam: str,
        plugin: str,
        subject: str,
        opening: Callable[[], AbstractAsyncContextManager[Any]],
        *,
        seconds: float,
        answer: Callable[[Any], T],
    ) -> AsyncIterator[T]:
        """What a plugin keeps open meanwhile; when it breaks, the body is cancelled."""
        call, stay = _Call(seam, plugin, subject), Stay(opening)
        with self._border(call, seconds):
            driven = self._begun(call, stay.run)
        try:
            with self._border(call, seconds):
                if not await stay.is_open(driven.task, seconds):
                    driven.answer()
                given = answer(stay.given[0])
            with anyio.CancelScope() as body:
                driven.task.add_done_callback(lambda task: body.cancel())
                yield given
                stay.closing.set()
                await driven.wait(CLOSING_SECONDS)
            with self._border(call, CLOSING_SECONDS):
                driven.answer()
                if not stay.closing.is_set():
                    raise Nonsense("it closed by itself")
        finally:
            await self._end(call, driven)

    def _begun(self, call: _Call, what: Callable[[], Awaitable[T]]) -> Driven[T]:
        if call in self.left:
            raise PluginFailed(
                f"{self._named(call)} has not ended an earlier call; it is not asked again until "
                "then",
                next_step="restart the controller if it never does, and tell the plugin's authors",
            )
        driven = Driven(what, self.steps, self._named(call))
        driven.begin()
        return driven

    async def _end(self, call: _Call, driven: Driven[Any]) -> None:
        """End it if it has not ended; what does not end is left behind, and remembered."""
        try:
            await driven.end(self.ending_seconds)
        finally:
            if not driven.has_ended:
                _log.error("plugin does not end", call=self._named(call))
                self.left[call] = driven
                driven.task.add_done_callback(lambda task: self.left.pop(call, None))

    @contextmanager
    def _border(self, call: _Call, seconds: float) -> Iterator[None]:
        started, outcome = time.monotonic(), "ok"
        try:
            yield
        except BaseException as error:  # the border to a plugin: anything may come out of it
            if is_cancellation(error):
                outcome = "cancelled"
                raise
            meant = blamed(error, self._who(call), call.subject, seconds)
            outcome = "timeout" if isinstance(error, TimeoutError) else named(error)
            if meant is error:
                raise
            if not isinstance(error, TimeoutError | Nonsense):
                self._tell(call, error)
            raise meant from error
        finally:
            self.trace(*call, time.monotonic() - started, outcome)

    def _tell(self, call: _Call, error: BaseException) -> None:
        try:
            _log.error("plugin raised", call=self._named(call), exc_info=error)
        except Exception:  # groups in groups can be nested deeper than they can be printed
            _log.error("plugin raised what cannot be printed", call=self._named(call))

    def _who(self, call: _Call) -> str:
        return f"{call.seam} {self.describe(call.seam, call.plugin)}"

    def _named(self, call: _Call) -> str:
        return f"{self._who(call)} for {call.subject}"
