"""How secrets reach git and ssh: as files in memory that are there while one call runs.

Not in arguments and not in the environment, which other programs see or inherit, and not on a disk,
where a kill would leave them. On Linux each is an anonymous file (memfd_create(2)) of mode 0600
that this process holds open and names as `/proc/<pid>/fd/<n>`: when the call or this process ends,
however it ends, the kernel takes it away. Not by inherited descriptors, because ssh closes those
first. Where that cannot be, they are 0600 files of a private folder, removed after the call, and
before the first call of the next process when a kill came in between.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from shoal.hooks.host import Host
from shoal_plugins.git.addresses import Address
from shoal_plugins.git.certificates import system_authorities
from shoal_plugins.git.credentials import Credential, Proxy
from shoal_plugins.git.ssh import require_ssh, ssh_variables

IN_MEMORY = hasattr(os, "memfd_create")
_FOLDER = "lent"
_CONFIGURATION, _AUTHORITY, _CERTIFICATE, _KEY = "gitconfig", "ca.crt", "tls.crt", "tls.key"
_IDENTITY, _KNOWN_HOSTS = "identity", "known_hosts"
_VARIABLES = {
    _CONFIGURATION: "GIT_CONFIG_GLOBAL",
    # Variables and not configuration, because GIT_SSL_CAINFO of this process would win over it.
    _AUTHORITY: "GIT_SSL_CAINFO",
    _CERTIFICATE: "GIT_SSL_CERT",
    _KEY: "GIT_SSL_KEY",
}


@asynccontextmanager
async def lend(
    address: Address, credential: Credential | None, proxy: Proxy | None, host: Host
) -> AsyncIterator[Mapping[str, str]]:
    """Variables that lead git to what it needs for this address, valid inside the context.

    Nothing secret is in the variables themselves. Raises BinaryUnavailable when ssh is missing.
    """
    if credential is None and proxy is None:
        yield {}
        return
    files = _Files(host.cache_folder / _FOLDER)
    try:
        contents = await host.run_in_thread(_contents, address, credential, proxy)
        paths = await host.run_in_thread(files.write, contents)
        yield _variables(paths, proxy)
    finally:
        with anyio.CancelScope(shield=True):
            await host.run_in_thread(files.remove)


def forget_lent(cache_folder: Path) -> None:
    """Remove what a killed process left, where it had no files in memory; blocking."""
    shutil.rmtree(cache_folder / _FOLDER, ignore_errors=True)


class _Files:
    """The files of one call, in memory or below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptors: list[int] = []
        self._private: Path | None = None

    def write(self, contents: Mapping[str, bytes]) -> dict[str, str]:
        """Name → path; what was written before an error is removed by `remove` too."""
        place = self._in_memory if IN_MEMORY and _may_be_read_by_children() else self._in_folder
        return {name: place(name, content) for name, content in contents.items()}

    def remove(self) -> None:
        """Let nothing of it stay."""
        while self._descriptors:
            os.close(self._descriptors.pop())
        if self._private is not None:
            shutil.rmtree(self._private)

    def _in_memory(self, name: str, content: bytes) -> str:
        # Closed in every program that is started (MFD_CLOEXEC is the default).
        descriptor = os.memfd_create(f"shoal-{name}")
        self._descriptors.append(descriptor)
        os.fchmod(descriptor, 0o600)  # ssh refuses a key that others may read
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        return f"/proc/{os.getpid()}/fd/{descriptor}"

    def _in_folder(self, name: str, content: bytes) -> str:
        if self._private is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._private = Path(tempfile.mkdtemp(dir=self._folder))  # of mode 0700
        path = self._private / name
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        return str(path)


def _may_be_read_by_children() -> bool:
    """Whether `/proc/<pid>/fd` is ours: not without /proc, nor for a program with capabilities."""
    try:
        return Path(f"/proc/{os.getpid()}/fd").stat().st_uid == os.geteuid()
    except OSError:
        return False


def _contents(
    address: Address, credential: Credential | None, proxy: Proxy | None
) -> dict[str, bytes]:
    """What each file holds, by name; blocking, because the system's authorities are read."""
    contents: dict[str, bytes] = {}
    authorization = credential.authorization if credential else ""
    if authorization or proxy:
        contents[_CONFIGURATION] = _configuration(address, authorization, proxy).encode()
    if credential is None:
        return contents
    certificates, identity = credential.certificates, credential.identity
    if certificates.authority:
        contents[_AUTHORITY] = system_authorities() + b"\n" + certificates.authority
    if certificates.certificate:
        contents[_CERTIFICATE] = certificates.certificate
        contents[_KEY] = certificates.key
    if identity is not None:
        require_ssh()
        contents[_IDENTITY] = identity.key
        contents[_KNOWN_HOSTS] = identity.known_hosts
    return contents


def _configuration(address: Address, authorization: str, proxy: Proxy | None) -> str:
    """Git's configuration with the login; the header holds for this server alone."""
    lines = []
    if authorization:
        server = f"[{address.host}]" if ":" in address.host else address.host
        port = f":{address.port}" if address.port else ""
        lines += [
            f'[http "{address.protocol}://{server}{port}"]',
            f"extraHeader = {_quoted(f'Authorization: {authorization}')}",
        ]
    if proxy is not None:
        # Without a fixed method curl would first ask without the login.
        lines += ["[http]", f"proxy = {_quoted(proxy.url)}", "proxyAuthMethod = basic"]
    return "\n".join([*lines, ""])


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _variables(paths: Mapping[str, str], proxy: Proxy | None) -> dict[str, str]:
    variables = {_VARIABLES[name]: path for name, path in paths.items() if name in _VARIABLES}
    if _IDENTITY in paths:
        variables |= ssh_variables(paths[_IDENTITY], paths[_KNOWN_HOSTS])
    if proxy is not None:
        # A proxy that a source names is meant, whatever the process leaves out for its own.
        variables |= {"NO_PROXY": "", "no_proxy": ""}
    return variables
