"""Finds the helper programs of all plugins before the loops begin, so that no render waits for one.

In an installed wheel that takes no time; in a checkout a program may have to be built first, which
takes minutes and is told meanwhile. What cannot be had is said once here, and again by whoever
needs it: nothing else waits for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import structlog

from shoal.binaries import Binary, Progress, locate
from shoal.composition.loading import Plugins
from shoal.errors import BinaryUnavailable

_log = structlog.get_logger("shoal.programs")


class Found(NamedTuple):
    """A program and where it is, or why it cannot be had."""

    program: Binary
    path: Path | None = None
    error: BinaryUnavailable | None = None


async def found_programs(plugins: Plugins, progress: Progress) -> AsyncIterator[Found]:
    """Each program of the plugins, found or made, one after the other."""
    for program in plugins.programs.values():
        try:
            yield Found(program, path=await locate(program, progress=progress))
        except BinaryUnavailable as error:
            yield Found(program, error=error)


async def find_programs(plugins: Plugins) -> None:
    """The same for a controller, which tells its log; it starts without what cannot be had."""
    async for found in found_programs(plugins, _Teller()):
        if found.error is not None:
            _log.error("helper program missing", program=str(found.program), error=str(found.error))


class _Teller:
    """Logs what goes on; a message that only its share changes in is told once."""

    def __init__(self) -> None:
        self._told = ""

    def __call__(self, message: str, fraction: float | None) -> None:
        if message != self._told:
            self._told = message
            _log.info("helper program", doing=message)
