"""An answer after which the server hangs up ends its connection, without a wait for a goodbye."""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from tests.tls_serving import end_server

from shoal_clusters.controlplane.certificates import create_authority
from shoal_clusters.controlplane.client import AnsweredError, connect
from shoal_clusters.controlplane.kubeconfig import Access

ANSWER = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
ESTABLISHED = "01"
SECONDS = 10


def is_open(port: int) -> bool:
    """Whether a socket on this local port is connected, by proc(5)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(line[1].endswith(f":{port:04X}") and line[3] == ESTABLISHED for line in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="sockets are looked for in /proc")
async def test_a_server_that_never_answers_the_goodbye_keeps_no_connection(tmp_path: Path) -> None:
    authority = create_authority("authority")
    certificate = authority.sign_server("server")
    file = anyio.Path(tmp_path, "server.pem")
    await file.write_bytes(certificate.pem + certificate.key_pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    await to_thread.run_sync(context.load_cert_chain, file)
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        writer.transport.pause_reading()  # type: ignore[attr-defined]

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with connect(Access("c", address, authority.pem, "somebody")) as client:
            with pytest.raises(AnsweredError):
                await client.get("/api")
            (writer,) = writers
            port = writer.get_extra_info("peername")[1]
            with anyio.fail_after(SECONDS):
                while await to_thread.run_sync(is_open, port):
                    await anyio.lowlevel.checkpoint()
    finally:
        await end_server(server, lambda: [each.transport for each in writers])
