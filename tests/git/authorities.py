"""A private certificate authority, and a relay that ends TLS before a plain server on loopback."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import secrets
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.tls_serving import end_server

_DAY = datetime.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Signed:
    """A certificate and its key, both as PEM."""

    pem: bytes
    key: bytes = field(repr=False)


class TestAuthority:
    """Signs certificates with any names and any dates."""

    __test__ = False

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        # Libraries look authorities up by name: two of one name would hide one another.
        self._name = _name(f"Private CA {secrets.token_hex(4)}")
        builder = self._builder(self._name, self._key, -1, 30)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self._own = builder.add_extension(constraints, critical=True).sign(
            self._key, hashes.SHA256()
        )

    @property
    def pem(self) -> bytes:
        return self._own.public_bytes(Encoding.PEM)

    def sign(self, *names: str, since: int = -1, until: int = 30) -> Signed:
        """A certificate for names and addresses, valid from and until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(names[0]), key, since, until)
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False
        )
        signed = builder.sign(self._key, hashes.SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Signed(signed.public_bytes(Encoding.PEM), private)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, since: int, until: int
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + since * _DAY)
            .not_valid_after(now + until * _DAY)
        )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class TlsRelay:
    """Speaks TLS on a port of its own and hands the plain bytes to `target`, a loopback port."""

    def __init__(
        self, folder: Path, certificate: Signed, target: int, clients: TestAuthority | None = None
    ) -> None:
        self.port = 0
        self.connections = 0
        self._target = target
        self._connections = Connections()
        self._server: asyncio.Server | None = None
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        file = folder / "relay.pem"
        file.write_bytes(certificate.pem + certificate.key)
        self._context.load_cert_chain(file)
        if clients is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(cadata=clients.pem.decode())

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        return f"https://{host}:{self.port}/{name}.git"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._context, ssl_handshake_timeout=10
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        await self._connections.end(self._server)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        self.connections += 1
        await join(reader, writer, "127.0.0.1", self._target)


class Connections:
    """What a server of streams serves, so that it can end with all of it."""

    def __init__(self) -> None:
        self._serving: dict[asyncio.Task[object], asyncio.StreamWriter] = {}

    def add(self, writer: asyncio.StreamWriter) -> None:
        """The current task serves one more."""
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = writer

    async def end(self, server: asyncio.Server) -> None:
        """Nothing is left when this returns."""
        await end_server(server, lambda: [each.transport for each in self._serving.values()])
        if self._serving:
            await asyncio.wait(self._serving)


async def join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
) -> None:
    """Carry bytes both ways until one side has ended."""
    inner_reader, inner_writer = await asyncio.open_connection(host, port)
    ways: Sequence[asyncio.Task[None]] = [
        asyncio.create_task(_carry(reader, inner_writer)),
        asyncio.create_task(_carry(inner_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        for end in (writer, inner_writer):
            end.close()
        await asyncio.gather(*ways, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
