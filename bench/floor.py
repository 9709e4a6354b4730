"""The floor: a bare client that sends one server-side apply per object, and nothing else.

Run as a process of its own, so that its CPU is counted as Shoal's is: `python -m bench.floor FILE`
with a JSON file of clusters and bodies. It connects first, then prints one line of JSON: wall and
CPU seconds of the applies alone.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import orjson

PLURALS = {
    "ConfigMap": "configmaps",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "Deployment": "deployments",
}


APPLY = {"Content-Type": "application/apply-patch+yaml"}


def path_of(body: dict[str, Any]) -> str:
    """Where an object of the workload is applied to."""
    metadata = body["metadata"]
    root = "/api/v1" if body["apiVersion"] == "v1" else f"/apis/{body['apiVersion']}"
    collection = f"{root}/namespaces/{metadata['namespace']}/{PLURALS[body['kind']]}"
    return f"{collection}/{metadata['name']}?fieldManager=floor&force=true"


async def apply_all(order: dict[str, Any]) -> dict[str, float]:
    """Apply every body to every cluster, `in_flight` at one time on each."""
    bodies = order["bodies"]
    prepared = [(path_of(body), orjson.dumps(body)) for body in bodies]
    sessions = [_session(cluster, order["in_flight"]) for cluster in order["clusters"]]
    try:
        for session in sessions:
            async with session.get("/version") as answer:
                answer.raise_for_status()
        wall, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(
            *(_apply_to(session, prepared, order["in_flight"]) for session in sessions)
        )
        return {"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}
    finally:
        for session in sessions:
            await session.close()


def _session(cluster: dict[str, str], in_flight: int) -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=cluster["ca_file"])
    return aiohttp.ClientSession(
        cluster["server"],
        headers={"Authorization": f"Bearer {cluster['token']}"},
        connector=aiohttp.TCPConnector(limit=in_flight, ssl=context),
    )


async def _apply_to(
    session: aiohttp.ClientSession, prepared: list[tuple[str, bytes]], in_flight: int
) -> None:
    waiting = iter(prepared)

    async def work() -> None:
        for path, content in waiting:
            async with session.patch(path, data=content, headers=APPLY) as answer:
                await answer.read()
                answer.raise_for_status()

    await asyncio.gather(*(work() for _ in range(in_flight)))


if __name__ == "__main__":
    done = asyncio.run(apply_all(json.loads(Path(sys.argv[1]).read_bytes())))
    sys.stdout.write(json.dumps(done) + "\n")
