"""The TLS servers of tests end with all their connections, so that no loop is closed under one."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

import anyio
import pytest
from aiohttp import web
from anyio import to_thread
from tests.tls_serving import serving_tls

from shoal_clusters.controlplane.certificates import create_authority

SECONDS = 10


@pytest.fixture
async def context(tmp_path: Path) -> ssl.SSLContext:
    """Of a server that nobody has to trust."""
    certificate = create_authority("server").sign_server("server")
    path = anyio.Path(tmp_path, "server.pem")
    await path.write_bytes(certificate.pem + certificate.key_pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    await to_thread.run_sync(context.load_cert_chain, path)
    return context


async def test_a_handshake_that_ends_after_the_server_is_waited_for_and_cut(
    context: ssl.SSLContext,
) -> None:
    async def handler(_: web.BaseRequest) -> web.Response:
        return web.Response()

    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client.wrap_bio(received, sent)
    ended = anyio.Event()
    begun = anyio.Event()

    async def serve(*, task_status: anyio.abc.TaskStatus[int]) -> None:
        async with serving_tls(handler, context) as port:
            task_status.started(port)
            await begun.wait()
        ended.set()

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as group:
            port = await group.start(serve)
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                with pytest.raises(ssl.SSLWantReadError):
                    tls.do_handshake()
                await stream.send(sent.read())
                received.write(await stream.receive())
                begun.set()
                await anyio.wait_all_tasks_blocked()
                assert not ended.is_set()

                tls.do_handshake()
                await stream.send(sent.read())
                await ended.wait()
                with suppress(anyio.BrokenResourceError):
                    async for _ in stream:
                        pass  # session tickets
