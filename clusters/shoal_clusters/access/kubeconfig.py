"""Access by a kubeconfig file: `access: {kubeconfig: {path: …, context: …}}`.

Reads the file, picks the context and hands over an Endpoint whose `credential` reads the file again
each time it is asked, so that a renewed token or certificate is found without a restart. Inline
certificates are written to the plugin's cache folder, 0600 and named by their content, because
Python's TLS takes client certificates from files only.

It fails closed: TLS verification cannot be switched off, and a program named by the file is run
only when the operator's configuration lists it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import Field

from shoal.errors import AccessDenied, InvalidDocument
from shoal.hooks.host import Host
from shoal.model.choice import Spec
from shoal.model.digests import digest_bytes
from shoal.model.endpoints import Credential, Endpoint
from shoal_clusters.access import asking
from shoal_clusters.access.contexts import Context, read_bounded, read_context
from shoal_clusters.access.expiring import lifetime_of_certificate, lifetime_of_token, shortest
from shoal_clusters.access.programs import refuse_unlisted

_FILE_INTERVAL = timedelta(seconds=10)
_PROGRAM_INTERVAL = timedelta(minutes=5)
"""How often a refused credential is read again: a program costs seconds of CPU, and may ask."""


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
        context = await host.run_in_thread(read_context, path, spec.context)
        server = context.server
        context.refuse_what_is_not_carried_out()
        ca_file = await host.run_in_thread(
            _file, context, context.cluster, "certificate-authority", host.cache_folder
        )

        async def credential() -> Credential:
            return await _read_credential(path, spec.context, host)

        return Endpoint(
            server=server,
            credential=credential,
            ca_file=ca_file,
            tls_server_name=context.text(context.cluster, "tls-server-name"),
            credential_interval=_PROGRAM_INTERVAL if context.runs_program else _FILE_INTERVAL,
        )


def _resolve(spec: KubeconfigSpec, host: Host) -> Path:
    if "\0" in spec.path:
        raise InvalidDocument("a kubeconfig path has a NUL in it")
    path = Path(spec.path).expanduser()
    if path.is_absolute():
        return path
    if host.base_folder is None:
        raise InvalidDocument(
            f"kubeconfig path {spec.path} is relative, and this fleet is not a local folder",
            next_step="write an absolute path",
        )
    return host.base_folder / path


def _file(context: Context, part: Mapping[str, Any], field: str, folder: Path) -> str:
    """The file that `field` or `field-data` gives, or nothing when neither is there."""
    if inline := context.content(part, field):
        return str(_keep(inline, folder))
    named = context.text(part, field)
    if not named:
        return ""
    file = context.beside(named)
    try:
        read_bounded(file)
    except OSError as error:
        raise InvalidDocument(
            f"{field} {named} of {context} cannot be read: {error.strerror}",
            next_step=f"correct {field} in the kubeconfig, or put the file there",
        ) from error
    return str(file)


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


async def _read_credential(path: Path, wanted: str | None, host: Host) -> Credential:
    context = await host.run_in_thread(read_context, path, wanted)
    context.refuse_what_is_not_carried_out()
    if context.runs_program:
        refuse_unlisted(context, host.exec_allowed)
        return await asking.ask(
            context.path, context.name, context.cluster, context.user, keep(host)
        )
    return await host.run_in_thread(_plain, context, host.cache_folder)


def keep(host: Host) -> Callable[[bytes], Path]:
    """Write secret content to the plugin's cache folder, 0600."""
    return lambda content: _keep(content, host.cache_folder)


def _plain(context: Context, folder: Path) -> Credential:
    """The credential that stands in the file, or in files that it names."""
    token = context.token()
    certificate = _file(context, context.user, "client-certificate", folder)
    if not certificate and not token:
        raise AccessDenied(
            f"{context} has neither a token nor a client certificate",
            next_step="give its user a token, tokenFile, or client-certificate and client-key",
        )
    pem = read_bounded(Path(certificate)) if certificate else b""
    lifetime = shortest((lifetime_of_token(token), lifetime_of_certificate(pem)))
    return Credential(
        token=token,
        client_certificate_file=certificate,
        client_key_file=_file(context, context.user, "client-key", folder),
        issued_at=lifetime.begins,
        expires_at=lifetime.ends,
    )
