"""One local control plane: a real kube-apiserver, its users, and what a test may do to it.

Everything a server needs is written into its folder once (`prepare_control_plane`); starting it is
then a matter of one command line, so that it can be killed and come back with the same address and
data. Nothing here knows of a fleet. There are no nodes, and controllers only where they are asked
for (`controllers`); `workload_simulator` plays what is missing.
"""

from __future__ import annotations

import secrets
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import anyio
from anyio import to_thread

from shoal.errors import ClusterUnreachable
from shoal_clusters.controlplane import audit
from shoal_clusters.controlplane.certificates import Authority, create_authority, create_signing_key
from shoal_clusters.controlplane.client import AnsweredError, Client, connect
from shoal_clusters.controlplane.kubeconfig import Access, write_kubeconfig, write_private
from shoal_clusters.controlplane.processes import Running, start_program
from shoal_clusters.controlplane.waiting import wait_until

ADMIN = "kubernetes-admin"
MASTERS = "system:masters"
# Users with a token of their own are told apart in the audit log.
USERS: Mapping[str, Sequence[str]] = {"shoal": (MASTERS,), "workload-simulator": (MASTERS,)}

# Nobody makes the service account `default`, and without it no Pod would be admitted.
_WITHOUT_CONTROLLERS = ("--disable-admission-plugins=ServiceAccount",)
_START_SECONDS = 90.0  # five on an idle machine; CI with two busy cores and a cold disk needs most
_GRACE_SECONDS = 5.0  # a server that serves nobody needs one


@dataclass(slots=True)
class ControlPlane:
    """A local API server, running or not; get one from `local.start_fleet`."""

    name: str
    server: str
    folder: Path
    program: Path
    etcd_server: str
    etcd_folder: Path
    accesses: dict[str, Access] = field(repr=False)
    has_controllers: bool = False
    is_detached: bool = False
    process: Running | None = field(default=None, repr=False)

    @property
    def ca_file(self) -> Path:
        """The authority that signed the server's certificate."""
        return self.folder / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig; `kubeconfig-<user>` beside it are the others'."""
        return self.folder / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """What `audit.read_audit_log` reads."""
        return self.folder / "audit.log"

    @property
    def pid(self) -> int | None:
        """The server's process, None while it is stopped."""
        return self.process.pid if self.process is not None else None

    def access(self, user: str = ADMIN) -> Access:
        """How `user` reaches this server: the administrator by certificate, others by token."""
        return self.accesses[user]

    @asynccontextmanager
    async def client(self, user: str = ADMIN) -> AsyncIterator[Client]:
        """A client as `user`, for as long as the block lasts."""
        async with connect(self.access(user)) as client:
            yield client

    async def start(self) -> None:
        """Start the server and wait until it serves and has its own namespaces.

        Raises ClusterUnreachable; a server that did not become ready is not left running.
        """
        self.process = await start_program(
            [self.program, *_flags(self)],
            log=self.folder / "apiserver.log",
            is_detached=self.is_detached,
        )
        try:
            await self._wait_until_ready()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.kill()
            raise

    async def _wait_until_ready(self) -> None:
        if not await wait_until(self._has_ended_or_serves, seconds=_START_SECONDS):
            problem = await self._problem()
            raise await self._not_ready(
                f"was not ready within {_START_SECONDS:.0f} seconds ({problem})"
            )
        if self.process is None or not self.process.is_alive():
            raise await self._not_ready("ended while starting")

    async def stop(self) -> None:
        """End the server as a shutdown would: it answers what it was asked, then goes."""
        await self._end(grace_seconds=_GRACE_SECONDS)

    async def kill(self) -> None:
        """Kill the server as a power cut would."""
        await self._end(grace_seconds=0)

    def pause(self) -> None:
        """Make the server hang: connections stay open and nothing is answered."""
        if self.process is not None:
            self.process.pause()

    def resume(self) -> None:
        """Let a paused server go on."""
        if self.process is not None:
            self.process.send(signal.SIGCONT)

    async def restart(self, *, authority: Authority | None = None) -> None:
        """Stop it and start it at the same address with the same data.

        With another `authority` the server comes back with a certificate that its old clients do
        not trust (their kubeconfig keeps the old one); `access` and `client` follow.
        """
        await self.stop()
        if authority is not None:
            await to_thread.run_sync(write_serving_certificate, self.folder, self.name, authority)
            for user, access in self.accesses.items():
                self.accesses[user] = replace(access, authority_pem=authority.pem)
        await self.start()

    async def change_users(self, users: Mapping[str, Sequence[str]]) -> None:
        """Give `users` new tokens and forget all others, from the next start on."""
        tokens = await to_thread.run_sync(_write_tokens, self.folder, users)
        admin = self.accesses[ADMIN]
        self.accesses = {ADMIN: admin} | {
            user: _token_access(admin, user, token) for user, token in tokens.items()
        }

    async def _end(self, *, grace_seconds: float) -> None:
        if self.process is not None:
            await self.process.end(grace_seconds=grace_seconds)
            self.process = None

    async def _has_ended_or_serves(self) -> bool:
        if self.process is None or not self.process.is_alive():
            return True
        return await self._problem() is None

    async def _problem(self) -> str | None:
        """Why it does not serve yet, None when it does."""
        try:
            async with self.client() as client:
                await client.get("/readyz")
                await client.get("/api/v1/namespaces/default")
                await client.get("/api/v1/namespaces/kube-system")
        except (aiohttp.ClientError, TimeoutError, AnsweredError) as error:
            return str(error) or type(error).__name__
        return None

    async def _not_ready(self, what: str) -> ClusterUnreachable:
        log = await self.process.last_lines() if self.process is not None else "(no process)"
        return ClusterUnreachable(
            f"the API server of {self.name} {what}; its log ends with:\n{log}",
            next_step=f"read {self.folder / 'apiserver.log'} and the etcd.log of its etcd",
        )


def prepare_control_plane(
    folder: Path, *, name: str, server: str, users: Mapping[str, Sequence[str]]
) -> dict[str, Access]:
    """Write authority, certificates, keys, tokens, policy and kubeconfigs into `folder`.

    Returns how the administrator and each of `users` reach the server.
    """
    folder.mkdir(parents=True, mode=0o700)
    authority = create_authority(f"{name} authority")
    certificate = authority.sign_client(ADMIN, (MASTERS,))
    private, public = create_signing_key()
    write_serving_certificate(folder, name, authority)
    write_private(folder / "clients.crt", authority.pem)
    write_private(folder / "accounts.key", private)
    write_private(folder / "accounts.pub", public)
    write_private(folder / "audit-policy.yaml", audit.POLICY)
    admin = Access(
        cluster=name,
        server=server,
        authority_pem=authority.pem,
        user=ADMIN,
        certificate_pem=certificate.pem,
        key_pem=certificate.key_pem,
    )
    write_kubeconfig(folder / "kubeconfig", [admin])
    accesses = {ADMIN: admin}
    for user, token in _write_tokens(folder, users).items():
        accesses[user] = _token_access(admin, user, token)
        write_kubeconfig(folder / f"kubeconfig-{user}", [accesses[user]])
    return accesses


def _token_access(admin: Access, user: str, token: str) -> Access:
    return replace(admin, user=user, token=token, certificate_pem=None, key_pem=None)


def _flags(control_plane: ControlPlane) -> list[str]:
    folder, etcd = control_plane.folder, control_plane.etcd_folder
    return [
        f"--etcd-servers={control_plane.etcd_server}",
        f"--etcd-prefix=/{control_plane.name}",
        f"--etcd-cafile={etcd / 'ca.crt'}",
        f"--etcd-certfile={etcd / 'tls.crt'}",
        f"--etcd-keyfile={etcd / 'tls.key'}",
        "--bind-address=127.0.0.1",
        f"--secure-port={control_plane.server.rpartition(':')[2]}",
        f"--tls-cert-file={folder / 'serving.crt'}",
        f"--tls-private-key-file={folder / 'serving.key'}",
        f"--client-ca-file={folder / 'clients.crt'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'accounts.pub'}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
        "--service-cluster-ip-range=10.96.0.0/16",
        *(() if control_plane.has_controllers else _WITHOUT_CONTROLLERS),
        "--allow-privileged=true",
        # The address of the `kubernetes` service must not be loopback; nothing here uses it.
        "--endpoint-reconciler-type=none",
        f"--audit-policy-file={folder / 'audit-policy.yaml'}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--event-ttl=1h",
        "--profiling=false",
    ]


def write_serving_certificate(folder: Path, name: str, authority: Authority) -> None:
    """Let the server in `folder` show another certificate from its next start on."""
    serving = authority.sign_server(name)
    write_private(folder / "ca.crt", authority.pem)
    write_private(folder / "serving.crt", serving.pem)
    write_private(folder / "serving.key", serving.key_pem)


def _write_tokens(folder: Path, users: Mapping[str, Sequence[str]]) -> dict[str, str]:
    tokens = {user: secrets.token_hex(16) for user in users}
    lines = [f'{tokens[user]},{user},{user},"{",".join(groups)}"' for user, groups in users.items()]
    write_private(folder / "tokens.csv", "\n".join([*lines, ""]).encode())
    return tokens
