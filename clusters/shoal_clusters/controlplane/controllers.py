"""The real controllers of a local control plane: a kube-controller-manager beside its API server.

It makes ReplicaSets and Pods, runs Jobs, collects garbage, empties namespaces that go away, counts
quotas, makes service accounts: all that needs neither a cloud nor nodes. Nodes are played by
`node_simulator`. It speaks to one API server only, listens nowhere, and waits patiently while that
server is away; so it is started after the server, once, and ended with the fleet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import anyio

from shoal.binaries import run_tool
from shoal.errors import BinaryUnavailable, ClusterUnreachable
from shoal_clusters.controlplane.apiserver import MASTERS, ControlPlane
from shoal_clusters.controlplane.client import AnsweredError
from shoal_clusters.controlplane.processes import Running, start_program
from shoal_clusters.controlplane.waiting import wait_until

USER = "kube-controller-manager"
# All controllers act as this one user: separate accounts would cost a token and a client each.
CONTROLLER_USERS = {USER: (MASTERS,)}
LOG = "controller-manager.log"  # in the control plane's folder

_LEFT_OUT = {
    "node-lifecycle-controller": "no kubelet sends heartbeats: it would drain the pretended node",
    "taint-eviction-controller": "belongs to the one above",
    "device-taint-eviction-controller": "there are no devices",
    "node-ipam-controller": "pods need no addresses",
    "ttl-controller": "advises kubelets",
    "persistentvolume-attach-detach-controller": "there is no node to attach a disk to",
    "persistentvolume-expander-controller": "there is no disk",
    "selinux-warning-controller": "there is no file system",
    "certificatesigningrequest-signing-controller": "the authority's key is on no disk",
}
_START_SECONDS = 60.0  # three on an idle machine
_GRACE_SECONDS = 5.0
# What the controllers make by themselves in every namespace; Pods are refused before.
_FIRST_FACTS = (
    "/api/v1/namespaces/default/serviceaccounts/default",
    "/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
)


@dataclass(slots=True)
class Controllers:
    """The controller manager of one control plane, running or not."""

    control_plane: ControlPlane
    program: Path
    process: Running | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Start it and wait until Pods can be made; the API server must serve.

        Raises BinaryUnavailable when it is of another version than the server, ClusterUnreachable
        when it does not work; then it is not left running.
        """
        await self._require_same_version()
        self.process = await start_program(
            [self.program, *_flags(self.control_plane)],
            log=self.control_plane.folder / LOG,
            is_detached=self.control_plane.is_detached,
        )
        try:
            await self._wait_until_working()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.kill()
            raise

    async def stop(self) -> None:
        """End it as a shutdown would."""
        await self._end(grace_seconds=_GRACE_SECONDS)

    async def kill(self) -> None:
        """End it at once."""
        await self._end(grace_seconds=0)

    async def _end(self, *, grace_seconds: float) -> None:
        if self.process is not None:
            await self.process.end(grace_seconds=grace_seconds)
            self.process = None

    async def _require_same_version(self) -> None:
        """A newer controller manager than its API server is supported by nobody."""
        async with self.control_plane.client() as client:
            served = str((await client.get("/version"))["gitVersion"])
        printed = " ".join(await run_tool([self.program, "--version"]))
        if _minor(served) != _minor(printed.split()[-1]):
            raise BinaryUnavailable(
                f"kube-controller-manager ({printed}) does not fit the API server ({served}), "
                "which was found on this machine",
                next_step="take kube-apiserver off PATH and KUBEBUILDER_ASSETS, or name a version",
            )

    async def _wait_until_working(self) -> None:
        is_done = await wait_until(self._has_ended_or_works, seconds=_START_SECONDS)
        if is_done and self.process is not None and self.process.is_alive():
            return
        log = await self.process.last_lines() if self.process is not None else "(no process)"
        what = "ended while starting" if is_done else f"did nothing for {_START_SECONDS:.0f} s"
        raise ClusterUnreachable(
            f"the controllers of {self.control_plane.name} {what}; the log ends with:\n{log}",
            next_step=f"read {self.control_plane.folder / LOG}",
        )

    async def _has_ended_or_works(self) -> bool:
        if self.process is None or not self.process.is_alive():
            return True
        try:
            async with self.control_plane.client() as client:
                return all([await client.find(path) is not None for path in _FIRST_FACTS])
        except (aiohttp.ClientError, TimeoutError, AnsweredError):
            return False


def _flags(control_plane: ControlPlane) -> list[str]:
    folder = control_plane.folder
    return [
        f"--kubeconfig={folder / f'kubeconfig-{USER}'}",
        f"--service-account-private-key-file={folder / 'accounts.key'}",
        f"--root-ca-file={folder / 'ca.crt'}",
        "--use-service-account-credentials=false",
        "--leader-elect=false",
        "--secure-port=0",
        f"--controllers={','.join(['*', *(f'-{name}' for name in _LEFT_OUT)])}",
        # The defaults protect a large cluster's server; here they would only make things slow.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--profiling=false",
    ]


def _minor(version: str) -> str:
    """`v1.37.2-k3s1` → `1.37`."""
    return ".".join(version.removeprefix("v").split(".")[:2])
