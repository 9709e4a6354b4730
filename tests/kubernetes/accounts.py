"""What a kubelet does for a container: a token of its service account, in a file, and renewed."""

from __future__ import annotations

from pathlib import Path

from shoal.composition.surroundings import HOST, PORT, pod_around
from shoal.hooks.host import Pod
from shoal_clusters.controlplane.apiserver import ControlPlane


class Kubelet:
    """Asks for tokens of one account, and writes them where a container reads them."""

    def __init__(self, plane: ControlPlane, namespace: str, folder: Path) -> None:
        self.plane, self.folder = plane, folder
        self.accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"

    @property
    def pod(self) -> Pod:
        """The Pod whose container reads it, by what the kubelet tells that container."""
        host, port = self.plane.server.removeprefix("https://").split(":")
        pod = pod_around({HOST: host, PORT: port}, self.folder)
        assert pod is not None
        return pod

    async def write(self, **wanted: object) -> None:
        """A token as it is asked for; by default for this server, for ten minutes."""
        body = {"spec": {"expirationSeconds": 600, **wanted}}
        async with self.plane.client() as client:
            if await client.find(f"{self.accounts}/shoal") is None:
                await client.create(self.accounts, {"metadata": {"name": "shoal"}})
            answer = await client.create(f"{self.accounts}/shoal/token", body)
        (self.folder / "ca.crt").write_bytes(self.plane.ca_file.read_bytes())
        (self.folder / "token").write_text(answer["status"]["token"])
