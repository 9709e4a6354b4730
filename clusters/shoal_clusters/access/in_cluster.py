"""Access to the cluster that the controller runs in: `access: {inCluster: {}}`.

The address comes from the Pod's environment by way of the host; authority and token are the files
that a kubelet keeps fresh beside it. Both are read again whenever the credential is asked for, so
that a rotated token or authority is found without a restart. The rights are those of the Pod's
service account, whoever wrote the document: `shoal cluster rbac` prints the least that it needs.
"""

from __future__ import annotations

from pathlib import Path

from shoal.errors import AccessDenied, InvalidDocument
from shoal.hooks.host import Host
from shoal.model.choice import Spec
from shoal.model.endpoints import Credential, Endpoint
from shoal_clusters.access.contexts import is_token, read_bounded
from shoal_clusters.access.expiring import lifetime_of_token

_MOUNT = "run the Pod with a serviceAccountName, and leave automountServiceAccountToken on"


class InClusterSpec(Spec):
    """Nothing to say: a Pod has one cluster and one service account."""


class InCluster:
    """The access type `inCluster`."""

    name = "inCluster"
    spec = InClusterSpec

    async def connect(self, spec: InClusterSpec, host: Host) -> Endpoint:
        """Where the Pod's own API server is; the token is read when it is asked for."""
        pod = host.pod
        if pod is None:
            raise InvalidDocument(
                "inCluster is for the cluster that the controller runs in, and this one runs in "
                "none: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
                next_step="write access: {kubeconfig: {path: …}} to reach a cluster from outside",
            )
        authority = pod.account_folder / "ca.crt"
        await host.run_in_thread(_require, authority)

        async def credential() -> Credential:
            return await host.run_in_thread(_read, pod.account_folder / "token")

        return Endpoint(server=pod.server, credential=credential, ca_file=str(authority))


def _require(authority: Path) -> None:
    """TLS reads it itself; without it, every authority of the system would be believed."""
    try:
        found = read_bounded(authority)
    except OSError as error:
        raise AccessDenied(
            f"the Pod's cluster authority {authority} cannot be read: {error.strerror}",
            next_step=_MOUNT,
        ) from error
    if not found.strip():
        raise AccessDenied(f"the Pod's cluster authority {authority} is empty", next_step=_MOUNT)


def _read(file: Path) -> Credential:
    try:
        token = read_bounded(file).decode("ascii").strip()
    except OSError as error:
        raise AccessDenied(
            f"the Pod's token {file} cannot be read: {error.strerror}", next_step=_MOUNT
        ) from error
    except ValueError as error:
        raise _no_token(file) from error
    if not is_token(token):
        raise _no_token(file)
    lifetime = lifetime_of_token(token)
    return Credential(token=token, issued_at=lifetime.begins, expires_at=lifetime.ends)


def _no_token(file: Path) -> AccessDenied:
    """What is no token is not sent to a server, nor said, whole or in part."""
    return AccessDenied(f"{file} is no token: a token is one line of plain characters")
