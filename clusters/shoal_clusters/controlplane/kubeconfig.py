"""How one user reaches one API server, and the kubeconfig files that say so.

`Access` is the plain value that everything here shares: the client, the workload simulator (which
reads it back from a file, being another process), the fixtures. The files hold certificates and
tokens inline, so that they can be copied, and are readable by their owner only.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Access:
    """One user at one API server: a token, or a client certificate with its key (PEM)."""

    cluster: str
    server: str
    authority_pem: bytes
    user: str
    token: str | None = None
    certificate_pem: bytes | None = None
    key_pem: bytes | None = None


def write_kubeconfig(path: Path, accesses: Sequence[Access]) -> None:
    """Write one context per access, named like its cluster; the first one is current."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": accesses[0].cluster,
        "clusters": [_cluster_entry(access) for access in accesses],
        "users": [_user_entry(access) for access in accesses],
        "contexts": [
            {
                "name": access.cluster,
                "context": {"cluster": access.cluster, "user": f"{access.user}@{access.cluster}"},
            }
            for access in accesses
        ],
    }
    write_private(path, yaml.safe_dump(document, sort_keys=False).encode())


def read_kubeconfig(path: Path) -> list[Access]:
    """Read back a file that `write_kubeconfig` wrote."""
    return parse_kubeconfig(yaml.safe_load(path.read_bytes()))


def parse_kubeconfig(document: Mapping[str, Any]) -> list[Access]:
    """One access per context; credentials that are not inline are not understood."""
    clusters = {entry["name"]: entry["cluster"] for entry in document["clusters"]}
    users = {entry["name"]: entry["user"] for entry in document["users"]}
    return [
        _access(
            context["name"],
            clusters[context["context"]["cluster"]],
            context["context"]["user"],
            users[context["context"]["user"]],
        )
        for context in document["contexts"]
    ]


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, in one step."""
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    scratch.replace(path)


def _cluster_entry(access: Access) -> dict[str, Any]:
    cluster = {
        "server": access.server,
        "certificate-authority-data": _encoded(access.authority_pem),
    }
    return {"name": access.cluster, "cluster": cluster}


def _user_entry(access: Access) -> dict[str, Any]:
    user: dict[str, str] = {}
    if access.token is not None:
        user["token"] = access.token
    if access.certificate_pem is not None and access.key_pem is not None:
        user["client-certificate-data"] = _encoded(access.certificate_pem)
        user["client-key-data"] = _encoded(access.key_pem)
    return {"name": f"{access.user}@{access.cluster}", "user": user}


def _access(
    name: str, cluster: Mapping[str, str], user_name: str, user: Mapping[str, str]
) -> Access:
    return Access(
        cluster=name,
        server=cluster["server"],
        authority_pem=base64.b64decode(cluster["certificate-authority-data"]),
        user=user_name.removesuffix(f"@{name}"),
        token=user.get("token"),
        certificate_pem=_decoded(user.get("client-certificate-data")),
        key_pem=_decoded(user.get("client-key-data")),
    )


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decoded(content: str | None) -> bytes | None:
    return None if content is None else base64.b64decode(content)
