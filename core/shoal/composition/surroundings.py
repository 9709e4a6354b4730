"""Where this process runs: in a Pod, or anywhere else.

A kubelet tells every container where its cluster's API server is, by two environment variables, and
mounts the token of the Pod's service account at a path that is the same everywhere. Plugins read no
environment, so that is found out here, once, and handed to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shoal.hooks.host import Pod

ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
HOST, PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"


def pod_around(environment: Mapping[str, str], account_folder: Path = ACCOUNT_FOLDER) -> Pod | None:
    """The Pod whose environment this is; None outside of a cluster."""
    host, port = environment.get(HOST, "").strip("[]"), environment.get(PORT, "")
    if not host or not port:
        return None
    # The kubelet writes an IPv6 address without the brackets that it needs in a URL.
    where = f"[{host}]" if ":" in host else host
    return Pod(f"https://{where}:{port}", account_folder)
