"""Looks at the API servers themselves, as an administrator beside Shoal, and waits for facts.

A fact is a question that answers with what is still wrong, and with nothing when it holds. That is
how a tour that fails can say what it saw instead of what it expected.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from shoal.errors import ShoalError
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import AnsweredError, Client
from shoal_clusters.controlplane.waiting import wait_until

Body = Mapping[str, Any]
Check = Callable[[Body | None], str]
Fact = Callable[[], Awaitable[str]]


class NotSeen(Exception):
    """What was expected was not seen in time; both as text."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen


async def expect(fact: Fact, expected: str, *, seconds: float) -> None:
    """Wait until the fact holds; raises NotSeen with what was wrong when it was asked last."""
    wrong = "no answer"

    async def holds() -> bool:
        nonlocal wrong
        try:
            wrong = await fact()
        except (aiohttp.ClientError, AnsweredError, ShoalError, TimeoutError) as error:
            wrong = f"{type(error).__name__}: {error}"
        return not wrong

    if not await wait_until(holds, seconds=seconds):
        raise NotSeen(expected, wrong)


@dataclass(frozen=True, slots=True)
class Eyes:
    """A client of every cluster, by the cluster's name."""

    clients: Mapping[str, Client]

    def everywhere(self, names: Sequence[str], path: str, check: Check) -> Fact:
        """The fact that the object at `path` passes `check` on each of these clusters."""

        async def ask() -> str:
            for name in names:
                if wrong := check(await self.clients[name].find(path)):
                    return f"{path.rpartition('/')[2]} on {name} {wrong}"
            return ""

        return ask


@asynccontextmanager
async def opened_eyes(clusters: Mapping[str, ControlPlane]) -> AsyncIterator[Eyes]:
    """Eyes on these clusters while the block lasts; a cluster may go and come back."""
    async with AsyncExitStack() as stack:
        yield Eyes(
            {
                name: await stack.enter_async_context(cluster.client())
                for name, cluster in clusters.items()
            }
        )


def is_there(body: Body | None) -> str:
    """Passes when the object exists and is not on its way out."""
    if body is None:
        return "is not there"
    return "is being deleted" if "deletionTimestamp" in body["metadata"] else ""


def is_gone(body: Body | None) -> str:
    """Passes when there is no such object."""
    return "" if body is None else "is still there"


def has(expected: Mapping[str, object], *, other_than_uid: str = "") -> Check:
    """Passes when these fields, written `spec.template.0.image`, have these values."""

    def check(body: Body | None) -> str:
        if body is None:
            return "is not there"
        if body["metadata"]["uid"] == other_than_uid:
            return "is the same object as before"
        for field, value in expected.items():
            found = value_at(body, field)
            if found != value:
                return f"has {field.rpartition('.')[2]} {found}, not {value}"
        return ""

    return check


def value_at(body: Body, field: str) -> Any:
    """The value at a dotted path; numbers are places in lists, None where nothing is."""
    value: Any = body
    for step in field.split("."):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(step)
    return value
