"""Follows all objects of a kind on an API server: those that are there, and each that changes.

What the simulators have in common. A cluster that is away is tried again until it is back.
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import aiohttp
import anyio

from shoal_clusters.controlplane.client import AnsweredError, Client

T = TypeVar("T")
Treat = Callable[[Mapping[str, Any]], Awaitable[None]]

_AGAIN_SECONDS = 0.5  # a cluster that is away: soon, but not in a busy loop
_UNBROKEN_SECONDS = 5.0  # a request to a server that hangs is cancelled all the same
_IS_NO_MORE = frozenset({404, 409, 410})  # changed or gone meanwhile: the watch tells


async def follow_for_ever(client: Client, collection: str, treat: Treat) -> None:
    """Hand each object of the collection to `treat`, now and whenever it changes."""
    while True:
        await insist(partial(_follow, client, collection, treat))


async def insist(work: Callable[[], Awaitable[None]]) -> None:
    """Do this, again and again while the cluster is away."""
    while True:
        try:
            return await work()
        except (aiohttp.ClientError, TimeoutError, AnsweredError):
            await anyio.sleep(_AGAIN_SECONDS)


async def unbroken(request: Awaitable[T]) -> T:
    """Wait for a request although the task is being cancelled, but not for long.

    A connection that is just being made when its task is cancelled stays open (uvloop forgets it),
    and a loop that ends with it open says so.
    """
    with anyio.fail_after(_UNBROKEN_SECONDS, shield=True):
        return await request


def timestamp() -> str:
    """Now, as API servers write it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _follow(client: Client, collection: str, treat: Treat) -> None:
    """Treat all objects of a kind, then each that changes, until the server ends the watch."""
    listed = await unbroken(client.get(collection))
    for body in listed["items"]:
        await _treat(treat, body)
    version = listed["metadata"]["resourceVersion"]
    while True:
        async for event in client.watch(collection, version):
            if event["type"] == "ERROR":
                return  # usually: the version is too old; list again
            version = event["object"]["metadata"]["resourceVersion"]
            if event["type"] in ("ADDED", "MODIFIED"):
                await _treat(treat, event["object"])


async def _treat(treat: Treat, body: Mapping[str, Any]) -> None:
    try:
        await unbroken(treat(body))
    except AnsweredError as error:
        if error.code not in _IS_NO_MORE:
            raise
