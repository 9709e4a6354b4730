"""Starts an etcd for local control planes: one for a whole fleet, or one for a single victim.

It listens on loopback and speaks only to holders of a certificate of its own authority, because
whoever reaches an API server's etcd is that cluster's administrator. Its data is throw-away, so it
never waits for the disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shoal_clusters.controlplane.certificates import create_authority
from shoal_clusters.controlplane.kubeconfig import write_private
from shoal_clusters.controlplane.ports import free_port
from shoal_clusters.controlplane.processes import Running, start_program


@dataclass(frozen=True, slots=True)
class Etcd:
    """A running etcd: its address, its process, and the folder with its certificates."""

    server: str
    folder: Path
    process: Running

    async def stop(self) -> None:
        """End it; nothing in it is worth a grace."""
        await self.process.end(grace_seconds=0)


def write_etcd_certificates(folder: Path) -> None:
    """Put `ca.crt`, `tls.crt` and `tls.key` into `folder`, for etcd and its API servers alike."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = create_authority("etcd")
    certificate = authority.sign_server("etcd")
    write_private(folder / "ca.crt", authority.pem)
    write_private(folder / "tls.crt", certificate.pem)
    write_private(folder / "tls.key", certificate.key_pem)


async def start_etcd(
    program: Path, folder: Path, *, server: str = "", is_detached: bool = False
) -> Etcd:
    """Start etcd in `folder`, which has its certificates; an API server waits until it answers.

    `server`: the address that it had before, where its API servers look for it.
    """
    server = server or f"https://127.0.0.1:{free_port()}"
    # Nobody else joins, so where peers would meet is of no interest: any port.
    peers = "https://127.0.0.1:0"
    trust = {
        "cert-file": folder / "tls.crt",
        "key-file": folder / "tls.key",
        "trusted-ca-file": folder / "ca.crt",
    }
    process = await start_program(
        [
            program,
            "--name=local",
            f"--data-dir={folder / 'data'}",
            f"--listen-client-urls={server}",
            f"--advertise-client-urls={server}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=local={peers}",
            *(f"--{name}={path}" for name, path in trust.items()),
            *(f"--peer-{name}={path}" for name, path in trust.items()),
            "--client-cert-auth",
            "--peer-client-cert-auth",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ],
        log=folder / "etcd.log",
        is_detached=is_detached,
    )
    return Etcd(server, folder, process)
