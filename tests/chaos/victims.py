"""A cluster that may be harmed: an API server, an etcd of its own, and a proxy before it.

Shoal reaches it through the proxy, by a kubeconfig of its own; strangers and the judge reach the
server directly, as the administrator. The audit log holds the bodies of writes, for the judge reads
from them which revision a write carried.
"""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread
from tests.chaos.interceptor import Interceptor, interceptor
from tests.chaos.proxy import FaultProxy, fault_proxy

from shoal_clusters.controlplane.apiserver import (
    MASTERS,
    ControlPlane,
    prepare_control_plane,
    write_serving_certificate,
)
from shoal_clusters.controlplane.certificates import Authority, create_authority
from shoal_clusters.controlplane.etcd import Etcd, start_etcd, write_etcd_certificates
from shoal_clusters.controlplane.kubeconfig import write_kubeconfig
from shoal_clusters.controlplane.local import Programs
from shoal_clusters.controlplane.ports import free_port

USER = "shoal"
# Reads cost more than they tell; of a write the judge wants to know what it carried.
_POLICY = b"""\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
omitManagedFields: true
rules:
  - level: Request
    users: [shoal]
    verbs: [create, update, patch, delete, deletecollection]
  - level: Metadata
    verbs: [create, update, patch, delete, deletecollection]
  - level: None
"""


@dataclass(slots=True)
class Victim:
    """One cluster and everything that may be done to it; get one from `victim`."""

    name: str
    folder: Path
    plane: ControlPlane
    etcd: Etcd
    etcd_program: Path
    authority: Authority
    proxy: FaultProxy
    interceptor: Interceptor
    _is_intercepted: bool = field(default=False)

    @property
    def kubeconfig(self) -> Path:
        """How Shoal reaches it."""
        return self.folder / "kubeconfig-through-proxy"

    def write_kubeconfig(self) -> None:
        """Tell Shoal the credential and the authority that count now."""
        access = replace(self.plane.access(USER), server=f"https://127.0.0.1:{self.proxy.port}")
        write_kubeconfig(self.kubeconfig, [access])

    def intercept(self, *, is_wanted: bool) -> None:
        """Lead new connections through the interceptor, and cut what is open."""
        self._is_intercepted = is_wanted
        self.proxy.cut()

    @property
    def target(self) -> int:
        """The port that the proxy connects to."""
        server = int(self.plane.server.rpartition(":")[2])
        return self.interceptor.port if self._is_intercepted else server

    # -- the server ----------------------------------------------------------------------------

    async def show_new_certificate(self, authority: Authority) -> None:
        """Restart the server with another certificate; Shoal's kubeconfig stays as it is."""
        self.authority = authority
        await self.plane.restart(authority=authority)
        await to_thread.run_sync(self.interceptor.renew)

    async def revoke_tokens(self) -> None:
        """Restart the server with other tokens; Shoal's kubeconfig keeps the old one."""
        await self.plane.change_users({USER: (MASTERS,)})
        await self.plane.restart()

    # -- its etcd ------------------------------------------------------------------------------

    def pause_etcd(self) -> None:
        """Make etcd hang."""
        self.etcd.process.pause()

    def resume_etcd(self) -> None:
        """Let it go on."""
        self.etcd.process.send(signal.SIGCONT)

    async def kill_etcd(self) -> None:
        """Kill it as a power cut would."""
        await self.etcd.stop()

    async def start_etcd(self) -> None:
        """Start it where it was, with its data."""
        self.etcd = await start_etcd(self.etcd_program, self.etcd.folder, server=self.etcd.server)

    async def save_etcd(self) -> None:
        """Copy its data as they are at this moment, for it stands still meanwhile."""
        self.pause_etcd()
        try:
            await to_thread.run_sync(self._copy, self._data, self._saved)
        finally:
            self.resume_etcd()

    async def restore_etcd(self) -> None:
        """Go back to what was saved: resource versions begin again from there."""
        await self.plane.kill()
        await self.kill_etcd()
        await to_thread.run_sync(self._copy, self._saved, self._data)
        await self.start_etcd()
        await self.plane.start()

    @property
    def _data(self) -> Path:
        return self.etcd.folder / "data"

    @property
    def _saved(self) -> Path:
        return self.etcd.folder / "saved"

    @staticmethod
    def _copy(from_: Path, to: Path) -> None:
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(from_, to)

    async def stop(self) -> None:
        """Kill its processes, whatever state they are in."""
        with anyio.CancelScope(shield=True):
            await self.plane.kill()
            await self.etcd.stop()


@asynccontextmanager
async def victim(
    name: str, folder: Path, programs: Programs, chance: random.Random
) -> AsyncIterator[Victim]:
    """A running victim for as long as the block lasts."""
    home = folder / name
    plane, authority = await to_thread.run_sync(partial(_prepare, name, home, programs))
    await to_thread.run_sync(write_etcd_certificates, plane.etcd_folder)
    etcd = await start_etcd(programs.etcd, plane.etcd_folder, server=plane.etcd_server)
    port = int(plane.server.rpartition(":")[2])
    found: list[Victim] = []
    async with (
        interceptor(home, port, chance) as tricks,
        fault_proxy(lambda: found[0].target, chance, port=free_port()) as proxy,
    ):
        it = Victim(name, home, plane, etcd, programs.etcd, authority, proxy, tricks)
        found.append(it)
        try:
            await to_thread.run_sync(it.write_kubeconfig)
            await plane.start()
            yield it
        finally:
            await it.stop()


def _prepare(name: str, home: Path, programs: Programs) -> tuple[ControlPlane, Authority]:
    server = f"https://127.0.0.1:{free_port()}"
    accesses = prepare_control_plane(home, name=name, server=server, users={USER: (MASTERS,)})
    (home / "audit-policy.yaml").write_bytes(_POLICY)
    authority = create_authority(f"{name} authority")
    write_serving_certificate(home, name, authority)
    plane = ControlPlane(
        name=name,
        server=server,
        folder=home,
        program=programs.apiserver,
        etcd_server=f"https://127.0.0.1:{free_port()}",
        etcd_folder=home / "etcd",
        accesses={
            user: replace(access, authority_pem=authority.pem) for user, access in accesses.items()
        },
    )
    return plane, authority
