"""A real ssh server on loopback that runs git's own upload-pack, and the keys it needs."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

ALGORITHMS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")


class SshServer:
    """Serves the bare repositories below `folder` to the holders of `authorized` keys.

    `users` are the names that logged in, `commands` what they asked for, `requested` the variables
    that they sent.
    """

    def __init__(self, folder: Path, authorized: Sequence[asyncssh.SSHKey]) -> None:
        self.folder = folder
        self.authorized = list(authorized)
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.users: list[str] = []
        self.commands: list[str] = []
        self.hangs = False
        self.port = 0
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: list[asyncssh.SSHServerConnection] = []

    def url(self, name: str, user: str = "git") -> str:
        return f"ssh://{user}@127.0.0.1:{self.port}/{name}.git"

    @property
    def known_hosts(self) -> bytes:
        """The line of known_hosts that names this server."""
        return f"[127.0.0.1]:{self.port} ".encode() + self.host_key.export_public_key()

    async def start(self) -> None:
        server = self

        class Login(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                server._connections.append(conn)

            def begin_auth(self, username: str) -> bool:
                server.users.append(username)
                return True

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return any(key == one.convert_to_public() for one in server.authorized)

        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=Login,
            server_host_keys=[self.host_key],
            process_factory=self._serve,
            encoding=None,
            allow_scp=False,
        )
        self.port = self._acceptor.get_port()

    async def stop(self) -> None:
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.close()
            await acceptor.wait_closed()
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()
            await connection.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command or ""
        self.commands.append(command)
        if self.hangs:
            await asyncio.Event().wait()
        program, path = shlex.split(command)
        repository = self.folder / path.lstrip("/")
        if program != "git-upload-pack" or not repository.is_dir():
            process.stderr.write(b"ERROR: Repository not found.\n")
            process.exit(1)
            return
        pipe = asyncio.subprocess.PIPE
        git = await asyncio.create_subprocess_exec(
            *("git", "upload-pack", str(repository)),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={
                "PATH": os.environ["PATH"],
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_PROTOCOL": process.env.get("GIT_PROTOCOL", ""),
            },
        )
        given = asyncio.create_task(_pump(process.stdin, git.stdin))
        try:
            # All of its output must have been sent before the channel is closed.
            await asyncio.gather(
                _pump(git.stdout, process.stdout), _pump(git.stderr, process.stderr)
            )
            process.exit(await git.wait())
        finally:
            given.cancel()
            if git.returncode is None:
                git.kill()
                await git.wait()


async def _pump(reader: Any, writer: Any) -> None:
    with suppress(BrokenPipeError, ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    if isinstance(writer, asyncio.StreamWriter):
        writer.close()  # git ends when nothing more will be asked
