"""Access by a kubeconfig file: `access: {kubeconfig: {path: …, context: …}}`.

Reads the file, picks the context and hands over an Endpoint whose `credential` reads the file again
each time it is asked, so that a renewed token or certificate is found without a restart. Inline
certificates are written to the plugin's cache folder, 0600 and named by their content, because
Python's TLS takes client certificates from files only.

It fails closed: TLS verification cannot be switched off, and a program named by the file is run
only when the operator's configuration lists it.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import os
import tempfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from shoal.errors import AccessDenied, InvalidDocument
from shoal.hooks.host import Host
from shoal.model.choice import Spec
from shoal.model.digests import digest_bytes
from shoal.model.endpoints import Credential, Endpoint
from shoal_clusters.access import asking

_FILE_INTERVAL = timedelta(seconds=10)
_PROGRAM_INTERVAL = timedelta(minutes=5)
"""How often a refused credential is read again: a program costs seconds of CPU, and may ask."""

_MOST_BYTES = 4 * 1024 * 1024
"""A kubeconfig holds a few kilobytes per context; more than this is not one."""


class KubeconfigSpec(Spec):
    """Which kubeconfig file, and which of its contexts."""

    path: str = Field(
        min_length=1,
        description="The kubeconfig file; a relative path starts at the fleet's folder.",
    )
    context: str | None = Field(
        default=None, description="The context; the file's current-context when left out."
    )


class Kubeconfig:
    """The access type `kubeconfig`."""

    name = "kubeconfig"
    spec = KubeconfigSpec

    async def connect(self, spec: KubeconfigSpec, host: Host) -> Endpoint:
        """Read the file once, for the server and its CA; the credential is read when asked for."""
        path = _resolve(spec, host)
        part = await host.run_in_thread(_read_context, path, spec.context)
        cluster = part.cluster
        server = cluster.get("server")
        if not isinstance(server, str) or not server.startswith("https://"):
            raise InvalidDocument(
                f"context {part.context} of {path} has no server with an https:// address",
                next_step="write the API server's address as clusters[].cluster.server",
            )
        if cluster.get("insecure-skip-tls-verify"):
            raise AccessDenied(
                f"context {part.context} of {path} asks for insecure-skip-tls-verify",
                next_step="give the cluster's CA as certificate-authority-data instead",
            )
        ca_file = await host.run_in_thread(
            part.file, cluster, "certificate-authority", host.cache_folder
        )

        async def credential() -> Credential:
            return await _read_credential(path, spec.context, host)

        return Endpoint(
            server=server,
            credential=credential,
            ca_file=ca_file,
            tls_server_name=str(cluster.get("tls-server-name") or ""),
            credential_interval=_PROGRAM_INTERVAL if part.runs_program else _FILE_INTERVAL,
        )


def _resolve(spec: KubeconfigSpec, host: Host) -> Path:
    path = Path(spec.path).expanduser()
    if path.is_absolute():
        return path
    if host.base_folder is None:
        raise InvalidDocument(
            f"kubeconfig path {spec.path} is relative, and this fleet is not a local folder",
            next_step="write an absolute path",
        )
    return host.base_folder / path


class _Context:
    """One context of a kubeconfig file: its cluster's and its user's part."""

    def __init__(
        self, path: Path, context: str, cluster: Mapping[str, Any], user: Mapping[str, Any]
    ) -> None:
        self.path = path
        self.context = context
        self.cluster = cluster
        self.user = user

    @property
    def runs_program(self) -> bool:
        """Whether its credential comes from a program, not from a file."""
        return bool(self.user.get("exec") or self.user.get("auth-provider"))

    def file(self, part: Mapping[str, Any], field: str, folder: Path) -> str:
        """The file that `field` or `field-data` gives, or nothing when neither is there."""
        inline = part.get(f"{field}-data")
        if inline:
            return str(_keep(self._decode(field, inline), folder))
        named = part.get(field)
        return str(self.path.parent / Path(str(named)).expanduser()) if named else ""

    def _decode(self, field: str, inline: object) -> bytes:
        try:
            return base64.b64decode(str(inline), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidDocument(
                f"{field}-data in context {self.context} of {self.path} is not base64",
                next_step="encode the PEM file with base64, without line breaks",
            ) from error


def _keep(content: bytes, folder: Path) -> Path:
    """Write `content` to a file of its own name, readable by nobody else; at most once."""
    target = folder / f"{digest_bytes(content)}.pem"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # mkstemp makes the file 0600; the rename lets nobody ever see half of it.
        handle, scratch = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(scratch).replace(target)
    return target


def _read_context(path: Path, wanted: str | None) -> _Context:
    document = _read_file(path)
    name = wanted or str(document.get("current-context") or "")
    if not name:
        raise InvalidDocument(
            f"kubeconfig {path} has no current-context, and the Cluster names none",
            next_step=f"write context: one of {_names(document, 'contexts')}",
        )
    context = _named(path, document, "contexts", name)["context"]
    cluster = _named(path, document, "clusters", str(context.get("cluster")))["cluster"]
    user = context.get("user")
    found = _named(path, document, "users", str(user)).get("user") if user else None
    return _Context(path, name, cluster, found or {})


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InvalidDocument(
            f"kubeconfig {path} cannot be read: {error.strerror}",
            next_step="correct the Cluster's access.kubeconfig.path, or put the file there",
        ) from error
    try:
        document = yaml.load(content, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise InvalidDocument(f"kubeconfig {path} is not YAML") from error
    if len(content) > _MOST_BYTES or not isinstance(document, dict):
        raise InvalidDocument(f"{path} is not a kubeconfig file")
    return document


def _named(path: Path, document: Mapping[str, Any], group: str, name: str) -> Mapping[str, Any]:
    for entry in document.get(group) or ():
        if isinstance(entry, dict) and entry.get("name") == name:
            if isinstance(entry.get(group.removesuffix("s")), dict) or group == "users":
                return entry
            raise InvalidDocument(f"{group} entry {name} of kubeconfig {path} is empty")
    known = _names(document, group)
    near = difflib.get_close_matches(name, known, n=1)
    raise InvalidDocument(
        f"kubeconfig {path} has no {group.removesuffix('s')} {name}",
        next_step=f"did you mean {near[0]}?" if near else f"it has: {', '.join(known) or 'none'}",
    )


def _names(document: Mapping[str, Any], group: str) -> list[str]:
    entries = document.get(group) or ()
    return [str(entry.get("name")) for entry in entries if isinstance(entry, dict)]


async def _read_credential(path: Path, wanted: str | None, host: Host) -> Credential:
    part = await host.run_in_thread(_read_context, path, wanted)
    user = part.user
    if part.runs_program:
        _refuse_unlisted(part, host.exec_allowed)
        return await asking.ask(part.path, part.context, part.cluster, user, keep(host))
    certificate, key, token = await host.run_in_thread(_plain, part, host.cache_folder)
    if not certificate and not token:
        raise AccessDenied(
            f"context {part.context} of {path} has neither a token nor a client certificate",
            next_step="give its user a token, tokenFile, or client-certificate and client-key",
        )
    return Credential(token=token, client_certificate_file=certificate, client_key_file=key)


def keep(host: Host) -> Callable[[bytes], Path]:
    """Write secret content to the plugin's cache folder, 0600."""
    return lambda content: _keep(content, host.cache_folder)


def _plain(part: _Context, folder: Path) -> tuple[str, str, str]:
    user = part.user
    token = str(user.get("token") or "")
    # As client-go does: the file wins, because it is the one that is renewed.
    named = user.get("tokenFile")
    if named:
        file = part.path.parent / Path(str(named)).expanduser()
        try:
            token = file.read_text().strip()
        except OSError as error:
            raise AccessDenied(
                f"tokenFile {file} of context {part.context} cannot be read: {error.strerror}"
            ) from error
    return (
        part.file(user, "client-certificate", folder),
        part.file(user, "client-key", folder),
        token,
    )


def _refuse_unlisted(part: _Context, allowed: frozenset[str]) -> None:
    if not (program := part.user.get("exec")):
        return
    command = str(program.get("command"))
    if command not in allowed:
        raise AccessDenied(
            f"context {part.context} of {part.path} wants to run {command}, which is not allowed",
            next_step="add it to the list of allowed programs, or use a token or certificate",
        )
