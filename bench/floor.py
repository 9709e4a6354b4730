"""The floor: a bare client that sends one server-side apply per object, and nothing else.

Run as a process of its own, so that its CPU is counted as Shoal's is, with a JSON file of clusters
and bodies. `apply FILE` connects first, then applies all and prints one line of JSON: wall and CPU
seconds of the applies alone. `heal FILE` watches what it may apply, prints a line when all watches
stand, and applies again whatever stops being as it should, until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bench.workload import collection_of, path_of

APPLY = {"Content-Type": "application/apply-patch+yaml"}
_OPTIONS = "fieldManager=floor&force=true"
_LONGEST_LINE = 4 * 1024 * 1024

Order = Mapping[str, Any]
Body = Mapping[str, Any]


async def apply_all(order: Order) -> dict[str, float]:
    """Apply every body to every cluster, `in_flight` at one time on each."""
    prepared = prepare(order["bodies"])
    async with AsyncExitStack() as stack:
        sessions = await connect(order, stack)
        wall, cpu = time.monotonic(), time.process_time()
        await send(prepared, sessions, order["in_flight"])
        return {"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}


def prepare(bodies: Iterable[Body]) -> list[tuple[str, bytes]]:
    """The address and content of one server-side apply per object."""
    return [(f"{path_of(body)}?{_OPTIONS}", orjson.dumps(body)) for body in bodies]


async def connect(order: Order, stack: AsyncExitStack) -> list[aiohttp.ClientSession]:
    """A session for each of the order's clusters, each with a first answer."""
    sessions: list[aiohttp.ClientSession] = []
    for cluster in order["clusters"]:
        context = ssl.create_default_context(cafile=cluster["ca_file"])
        session = aiohttp.ClientSession(
            cluster["server"],
            headers={"Authorization": f"Bearer {cluster['token']}"},
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
            read_bufsize=_LONGEST_LINE,
        )
        sessions.append(await stack.enter_async_context(session))
        async with session.get("/version") as answer:
            answer.raise_for_status()
    return sessions


async def send(
    prepared: Sequence[tuple[str, bytes]],
    sessions: Sequence[aiohttp.ClientSession],
    in_flight: int,
) -> None:
    """Send all of it to each cluster; the first refusal ends it."""
    await asyncio.gather(*(_apply_to(session, prepared, in_flight) for session in sessions))


async def heal(order: Order) -> None:
    """Watch every kind of the bodies on every cluster, and undo what is done to them."""
    kinds = {(body["apiVersion"], body["kind"]) for body in order["bodies"]}
    wanted = {path_of(body): body for body in order["bodies"]}
    standing = 0

    def stands() -> None:
        nonlocal standing
        standing += 1
        if standing == len(kinds) * len(order["clusters"]):
            sys.stdout.write("ready\n")
            sys.stdout.flush()

    async with AsyncExitStack() as stack:
        sessions = await connect(order, stack)
        await asyncio.gather(
            *(_heal_kind(session, *kind, wanted, stands) for session in sessions for kind in kinds)
        )


def differs(wanted: Any, live: Any) -> bool:
    """Whether something that is wanted is not so; what others added is of no interest."""
    if isinstance(wanted, Mapping):
        return not isinstance(live, Mapping) or any(
            key not in live or differs(value, live[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return (
            not isinstance(live, Sequence)
            or len(wanted) != len(live)
            or any(differs(one, other) for one, other in zip(wanted, live, strict=True))
        )
    return bool(wanted != live)


async def _heal_kind(
    session: aiohttp.ClientSession,
    api_version: str,
    kind: str,
    wanted: Mapping[str, Body],
    stands: Any,
) -> None:
    collection = collection_of(api_version, kind)
    async with session.get(collection, params={"limit": "1"}) as answer:
        version = (await answer.json())["metadata"]["resourceVersion"]
    query = {"watch": "true", "resourceVersion": version}
    timeout = aiohttp.ClientTimeout(total=None)
    applying: set[asyncio.Task[None]] = set()
    async with session.get(collection, params=query, timeout=timeout) as answer:
        stands()
        rest = b""
        async for chunk in answer.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for path, body in _drifted(lines, api_version, kind, wanted):
                # One task per object, so that what comes next does not wait for the answer.
                task = asyncio.create_task(_apply(session, path, orjson.dumps(body)))
                applying.add(task)
                task.add_done_callback(applying.discard)


def _drifted(
    lines: Sequence[bytes], api_version: str, kind: str, wanted: Mapping[str, Body]
) -> Iterator[tuple[str, Body]]:
    for line in lines:
        event = orjson.loads(line)
        path = path_of({"apiVersion": api_version, "kind": kind, **event["object"]})
        body = wanted.get(path)
        if body is not None and (event["type"] == "DELETED" or differs(body, event["object"])):
            yield f"{path}?{_OPTIONS}", body


async def _apply_to(
    session: aiohttp.ClientSession, prepared: Sequence[tuple[str, bytes]], in_flight: int
) -> None:
    waiting = iter(prepared)

    async def work() -> None:
        for path, content in waiting:
            await _apply(session, path, content)

    await asyncio.gather(*(work() for _ in range(in_flight)))


async def _apply(session: aiohttp.ClientSession, path: str, content: bytes) -> None:
    async with session.patch(path, data=content, headers=APPLY) as answer:
        await answer.read()
        answer.raise_for_status()


if __name__ == "__main__":
    order = json.loads(Path(sys.argv[2]).read_bytes())
    if sys.argv[1] == "apply":
        sys.stdout.write(json.dumps(asyncio.run(apply_all(order))) + "\n")
    else:
        asyncio.run(heal(order))
