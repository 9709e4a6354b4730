"""Fetches an official release and lets it be used only when its SHA-256 is right.

Called by `locating`, once per program and machine, under its lock. Two failures differ: a server
that is out of reach, slow to answer or does not have the file raises `OutOfReach`, and the caller
goes on to build; a file that is not what was published raises `BinaryUnavailable`, and nobody goes
on to anything. What was loaded is handed over only whole and checked.
"""

from __future__ import annotations

import hashlib
import math
import re
import shutil
import tarfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import aiohttp
import anyio
from anyio import to_thread

from shoal.binaries.specification import Binary, Progress, Release, this_platform
from shoal.errors import BinaryUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_SECONDS = 5.0  # checksum and first byte together; a machine without internet waits no longer
_STALLED_SECONDS = 30.0  # a running download that brings nothing for so long has broken off
_CHUNK = 1 << 20
_CHECKSUM_PAGE_BYTES = 1 << 16  # etcd's SHA256SUMS has 2 KiB; a portal's login page is no checksum


class OutOfReach(Exception):
    """The release could not be loaded; building is the next thing to try."""


async def download_release(
    binary: Binary, folder: Path, *, mirror: str | None, progress: Progress
) -> Path:
    """Load, check and unpack the release into `folder`; return the program's path there.

    `mirror` replaces scheme and host of the release; paths stay. Raises OutOfReach, or
    BinaryUnavailable when the checksum is wrong.
    """
    release = binary.release
    if release is None:
        raise OutOfReach("no release is known")
    if this_platform() not in release.platforms:
        raise OutOfReach(f"nothing is published for {this_platform()}")
    url = _address(release.path, binary, release, mirror)
    loaded = folder / "download"
    try:
        wanted, found = await _load(binary, release, url, mirror, loaded, progress)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise OutOfReach(f"{url}: {str(error) or type(error).__name__}") from error
    if found != wanted:
        raise BinaryUnavailable(
            f"{binary} from {url} has SHA-256 {found}, but {wanted} is what was published: refused",
            next_step=f"find out what altered it on its way, or put a {binary.name} you trust on "
            "PATH",
        )
    return await to_thread.run_sync(_unpack, binary, release, loaded, folder / binary.name)


async def _load(
    binary: Binary,
    release: Release,
    url: str,
    mirror: str | None,
    destination: Path,
    progress: Progress,
) -> tuple[str, str]:
    """Load the file; return the checksum it should have and the one it has."""
    timeout = aiohttp.ClientTimeout(total=None, sock_read=_STALLED_SECONDS)
    progress(f"{binary}: asking {url}", None)
    # trust_env: the proxy of HTTPS_PROXY is often the only way out of a company's network.
    async with aiohttp.ClientSession(
        timeout=timeout, trust_env=True, raise_for_status=True
    ) as session:
        with anyio.fail_after(ANSWER_SECONDS) as patience:
            wanted = release.sha256.get(this_platform()) or await _published_checksum(
                session, binary, release, mirror
            )
            async with session.get(url) as response:

                def report(loaded: int) -> None:
                    patience.deadline = math.inf
                    size = response.content_length
                    progress(f"{binary}: downloading", loaded / size if size else None)

                return wanted, await _save(response, destination, report)


async def _save(
    response: aiohttp.ClientResponse, destination: Path, report: Callable[[int], None]
) -> str:
    digest = hashlib.sha256()
    loaded = 0

    def append(file: IO[bytes], chunk: bytes) -> None:
        digest.update(chunk)
        file.write(chunk)

    file = await to_thread.run_sync(destination.open, "wb")
    try:
        async for chunk in response.content.iter_chunked(_CHUNK):
            loaded += len(chunk)
            report(loaded)
            await to_thread.run_sync(append, file, chunk)
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(file.close)
    return digest.hexdigest()


async def _published_checksum(
    session: aiohttp.ClientSession, binary: Binary, release: Release, mirror: str | None
) -> str:
    async with session.get(_address(release.checksum_path, binary, release, mirror)) as response:
        page = await response.content.read(_CHECKSUM_PAGE_BYTES)
    file_name = _address(release.path, binary, release, mirror).rsplit("/", 1)[-1]
    return parse_checksum(page.decode(errors="replace"), file_name)


def parse_checksum(page: str, file_name: str) -> str:
    """The SHA-256 of `file_name` in a page of `sha256sum` lines, or a page of one bare sum.

    Raises ValueError when it is not there.
    """
    for line in page.splitlines():
        sum_, _, name = line.strip().partition(" ")
        if re.fullmatch(r"[0-9a-f]{64}", sum_) and name.strip(" *") in ("", file_name):
            return sum_
    raise ValueError(f"no SHA-256 of {file_name} is published")


def _address(path: str, binary: Binary, release: Release, mirror: str | None) -> str:
    system, _, architecture = this_platform().partition("/")
    filled = path.format(version=binary.version, os=system, arch=architecture)
    return (mirror or release.host).rstrip("/") + filled


def _unpack(binary: Binary, release: Release, loaded: Path, destination: Path) -> Path:
    if release.member is None:
        loaded.rename(destination)
    else:
        system, _, architecture = this_platform().partition("/")
        member = release.member.format(version=binary.version, os=system, arch=architecture)
        with tarfile.open(loaded) as archive, destination.open("wb") as file:
            packed = archive.extractfile(member)
            assert packed is not None, f"{member} of {binary} is not a file: wrong specification"
            with packed:
                shutil.copyfileobj(packed, file)
        loaded.unlink()
    destination.chmod(0o755)
    return destination
