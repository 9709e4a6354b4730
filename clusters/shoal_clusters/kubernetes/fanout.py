"""Fanning out over objects: one thing for each, a few at once, until the cluster is lost.

What fails for one object is that object's result; an error that leaves `act` concerns the cluster
as a whole and ends the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

import anyio

from shoal.errors import ShoalError

T = TypeVar("T")
Act = Callable[[T], Awaitable[None]]


async def for_each(items: Sequence[T], at_once: int, act: Act[T]) -> None:
    """Do it for every item, `at_once` at a time.

    The first ShoalError is raised at the end: neighbours in flight are not cancelled, for their
    answers are still worth having, and nothing new is begun.
    """
    lost: list[ShoalError] = []
    todo = iter(items)
    async with anyio.create_task_group() as tasks:
        for _ in range(min(len(items), at_once)):
            tasks.start_soon(_work_off, todo, act, lost)
    if lost:
        raise lost[0]


async def _work_off(todo: Iterator[T], act: Act[T], lost: list[ShoalError]) -> None:
    for item in todo:
        if lost:
            return
        try:
            await act(item)
        except ShoalError as error:
            lost.append(error)
