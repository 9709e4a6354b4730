"""What an exception that left a plugin means to the engine: one of our errors, always.

Pure: `guarding` catches, and asks here what to raise instead.
"""

from __future__ import annotations

import asyncio

from shoal.engine.answers import Nonsense, check_error
from shoal.errors import Permanent, PluginFailed, ShoalError


def is_cancellation(error: BaseException) -> bool:
    """Whether the caller was cancelled, and no plugin did anything wrong."""
    return isinstance(error, asyncio.CancelledError | GeneratorExit)


def blamed(error: BaseException, who: str, subject: str, seconds: float) -> ShoalError:
    """The error to raise instead: the very same when it is one of ours, and well-formed."""
    ours = _ours(error)
    try:
        if ours is not None:
            check_error(ours)
            return ours
    except Nonsense as nonsense:
        error = nonsense
    if isinstance(error, TimeoutError):
        return PluginFailed(f"{who} did not answer for {subject} within {seconds:g} s")
    if isinstance(error, Nonsense):
        return PluginFailed(
            f"{who} gave a wrong answer for {subject}: {error}",
            next_step="use another version of the plugin, and tell its authors",
        )
    return PluginFailed(
        f"{who} failed for {subject}: {named(error)}",
        next_step="see the controller's log for its traceback",
    )


def named(error: BaseException) -> str:
    """The outcome in one word: what was raised, not the group around it."""
    worst = next((each for each in _leaves(error) if not isinstance(each, ShoalError)), None)
    return type(worst or error).__name__


def _ours(error: BaseException) -> ShoalError | None:
    """The one that says most, when all that was raised together is ours."""
    found = [each for each in _leaves(error) if isinstance(each, ShoalError)]
    if not found or len(found) < len(_leaves(error)):
        return None
    return next((each for each in found if isinstance(each, Permanent)), found[0])


def _leaves(error: BaseException) -> list[BaseException]:
    """What was raised, out of all groups. Groups may be nested deeper than calls may be."""
    waiting, found = [error], list[BaseException]()
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseExceptionGroup):
            waiting.extend(reversed(each.exceptions))
        else:
            found.append(each)
    return found
