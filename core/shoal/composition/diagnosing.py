"""What `shoal doctor` finds: one check after the other, asked side by side, each with a deadline.

A probe looks at one thing and says what it found; what it raises, or that it takes too long, is a
finding too. Nothing is changed, and nothing is made that is not there: a doctor that needs ten
minutes to build a program would not be asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import anyio

from shoal.errors import ShoalError


class Finding(StrEnum):
    """How it is. Only what is Failed keeps a fleet from being served."""

    OK = "Ok"
    WARNING = "Warning"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `next_step` where it is not well."""

    subject: str
    finding: Finding
    message: str
    next_step: str = ""


class Probe(NamedTuple):
    """Looks at one thing, of which `subject` is the name should it not come to an end."""

    subject: str
    look: Callable[[], Awaitable[Sequence[Check]]]
    seconds: float


def ok(subject: str, message: str) -> Check:
    """It is well."""
    return Check(subject, Finding.OK, message)


def warning(subject: str, message: str, next_step: str = "") -> Check:
    """It may do harm, or is not all that it could be."""
    return Check(subject, Finding.WARNING, message, next_step)


def failed(subject: str, message: str, next_step: str = "") -> Check:
    """It keeps something from working."""
    return Check(subject, Finding.FAILED, message, next_step)


def failed_by(subject: str, error: ShoalError) -> Check:
    """An error as a finding."""
    return failed(subject, error.message, error.next_step)


async def diagnose(probes: Sequence[Probe]) -> list[Check]:
    """Every check, asked side by side, told in the order of the probes."""
    found: dict[int, Sequence[Check]] = {}

    async def look(number: int, probe: Probe) -> None:
        found[number] = await _looked(probe)

    async with anyio.create_task_group() as group:
        for number, probe in enumerate(probes):
            group.start_soon(look, number, probe)
    return [check for number in range(len(probes)) for check in found[number]]


async def _looked(probe: Probe) -> Sequence[Check]:
    """What one probe found, whatever becomes of it."""
    try:
        with anyio.fail_after(probe.seconds):
            return await probe.look()
    except TimeoutError:
        return [failed(probe.subject, f"no answer within {probe.seconds:g} s")]
    except ShoalError as error:
        return [failed_by(probe.subject, error)]
