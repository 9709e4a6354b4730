"""What a call of a plugin does beside its answer: files it writes, connections, tasks, blocking.

The conformance suites make every call through here. What is noted is what *this* process does: a
program that a plugin starts is its own. Blocking calls are found by blockbuster, which comes with
the extra `shoal[testing]`; plain computing is not, see `shoal.composition.watching` for that.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from blockbuster import blockbuster_ctx

T = TypeVar("T")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = frozenset({"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink"})


@dataclass(slots=True)
class Noted:
    """Paths that were written to, and addresses that were connected to."""

    written: list[Path] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)


async def watched(
    call: Callable[[], Awaitable[T]], *, plugin: object, cache_folder: Path, noted: Noted
) -> T:
    """What the call gives; AssertionError for what no seam allows a plugin to do meanwhile."""
    before, start = asyncio.all_tasks(), len(noted.written)
    with _blocking_refused(plugin), _noting(noted):
        answer = await call()
    left = [task.get_name() for task in asyncio.all_tasks() - before]
    outside = [path for path in noted.written[start:] if not path.is_relative_to(cache_folder)]

    assert not left, f"it left tasks behind: {left}"
    assert not outside, f"it wrote outside of host.cache_folder: {outside}"
    return answer


@contextmanager
def _blocking_refused(plugin: object) -> Iterator[None]:
    """A call from the plugin's package that blocks the event loop raises BlockingError."""
    with blockbuster_ctx(_package_of(plugin)) as detector:
        detector.functions["threading.Lock.acquire"].deactivate()  # of queues, for microseconds
        for function in detector.functions.values():
            function.can_block_in("<frozen importlib._bootstrap>", "_find_and_load")
        yield


def _package_of(plugin: object) -> ModuleType:
    """The topmost package that its class lives in, or the module where it has none."""
    module = sys.modules[type(plugin).__module__]
    package = sys.modules.get(module.__name__.partition(".")[0])
    return package if package is not None and package.__file__ else module


@contextmanager
def _noting(noted: Noted) -> Iterator[None]:
    if not _listeners:
        sys.addaudithook(_heard)
        _listeners.append(_unheard)  # a hook stays for ever; so it is added once
    _listeners.append(lambda event, given: _note(noted, event, given))
    try:
        yield
    finally:
        _listeners.pop()


def _heard(event: str, given: tuple[Any, ...]) -> None:
    _listeners[-1](event, given)


def _unheard(event: str, given: tuple[Any, ...]) -> None:
    """Nobody listens now."""


def _note(noted: Noted, event: str, given: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        noted.connected.append(str(given[1]))
    elif event in _CHANGING or (event == "open" and _is_to_write(given)):
        path = Path(os.fsdecode(given[0])).absolute()
        if path.suffix != ".pyc" and path.name != "__pycache__" and str(path) != os.devnull:
            noted.written.append(path)


def _is_to_write(given: tuple[Any, ...]) -> bool:
    path, _, flags = given
    if not isinstance(path, str | bytes | os.PathLike) or not isinstance(flags, int):
        return False
    # Where a folder is opened, a file without a name is made, which leaves nothing behind.
    return bool(flags & _WRITING) and not os.path.isdir(path)


_listeners: list[Callable[[str, tuple[Any, ...]], None]] = []
