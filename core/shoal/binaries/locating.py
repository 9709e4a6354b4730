"""The order in which a helper program is looked for; see the package's docstring.

`locate` is the whole door. Everything that is made is made in a scratch folder and renamed into
place, under a lock file, so that a crash leaves no half program and two processes never build the
same one at once.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import platformdirs
from anyio import to_thread

from shoal.binaries.building import build_binary
from shoal.binaries.running import ToolFailed, run_tool
from shoal.binaries.specification import Binary, Progress, silent
from shoal.errors import BinaryUnavailable

_LOCK_POLL_SECONDS = 0.2  # the asynchronous form of flock is asking again
_LOCK_SECONDS = 1800.0  # an API server takes 15 minutes on one slow core; then something hangs
_VERSION_SECONDS = 5.0


async def locate(
    binary: Binary,
    *,
    progress: Progress = silent,
    mirror: str | None = None,
    cache: Path | None = None,
) -> Path:
    """The path of a program that can be run, found or made; see the package for the order.

    `mirror` (else the environment's `SHOAL_BINARY_MIRROR`) replaces scheme and host of official
    releases; `cache` replaces the user's cache folder. Safe to call at once from many tasks and
    processes. Raises BinaryUnavailable when nothing works, or when a checksum is wrong.
    """
    if found := await _already_here(binary, progress):
        return found
    folder = _cache_of_programs(cache)
    program = _cached(binary, folder)
    if await to_thread.run_sync(program.exists):
        return program
    try:
        await to_thread.run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
        async with _only_one(folder / f"{binary.name}-{binary.version}.lock", binary, progress):
            if not await to_thread.run_sync(program.exists):
                await _make(binary, program, mirror=mirror, progress=progress)
    except OSError as error:
        raise BinaryUnavailable(
            f"{binary} could not be put into {folder}: {error.strerror or error}",
            next_step="set XDG_CACHE_HOME to a folder with 500 MB of space that can be written",
        ) from error
    return program


def find(binary: Binary, *, cache: Path | None = None) -> Path | None:
    """Where a program is; None when it would have to be downloaded or built. Blocking."""
    program = _cached(binary, _cache_of_programs(cache))
    return _find_installed(binary) or (program if program.exists() else None)


def _cache_of_programs(cache: Path | None) -> Path:
    return (cache or platformdirs.user_cache_path("shoal")) / "bin"


def _cached(binary: Binary, folder: Path) -> Path:
    return folder / f"{binary.name}-{binary.version}" / binary.name


async def _already_here(binary: Binary, progress: Progress) -> Path | None:
    installed = await to_thread.run_sync(_find_installed, binary)
    if installed is not None and installed != binary.packaged:
        version = await _version_of(installed)
        progress(f"{binary.name}: using {installed} ({version})", None)
    return installed


def _find_installed(binary: Binary) -> Path | None:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    found = shutil.which(binary.name, path=assets) if assets else None
    if found is None and binary.is_taken_from_path:
        found = shutil.which(binary.name)
    if found is not None:
        return Path(found)
    is_packaged = binary.packaged is not None and os.access(binary.packaged, os.X_OK)
    return binary.packaged if is_packaged else None


async def _version_of(program: Path) -> str:
    """What `--version` prints first; a program that cannot say is used all the same."""
    try:
        with anyio.fail_after(_VERSION_SECONDS):
            printed = await run_tool([program, "--version"])
    except (ToolFailed, TimeoutError):
        return "version unknown"
    return printed[0].strip() if printed else "version unknown"


@asynccontextmanager
async def _only_one(path: Path, binary: Binary, progress: Progress) -> AsyncIterator[None]:
    descriptor = await to_thread.run_sync(os.open, path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if not _is_locked_by_us(descriptor):
            progress(f"{binary}: another process is making it, waiting", None)
            await _wait_for_lock(descriptor, path, binary)
        yield
    finally:
        os.close(descriptor)


async def _wait_for_lock(descriptor: int, path: Path, binary: Binary) -> None:
    with anyio.move_on_after(_LOCK_SECONDS):
        while not _is_locked_by_us(descriptor):  # noqa: ASYNC110 - flock wakes nobody
            await anyio.sleep(_LOCK_POLL_SECONDS)
        return
    raise BinaryUnavailable(
        f"{binary} is being made by another process for {_LOCK_SECONDS:.0f} seconds",
        next_step=f"look for a process that hangs and holds {path}",
    )


def _is_locked_by_us(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _make(binary: Binary, program: Path, *, mirror: str | None, progress: Progress) -> None:
    # An HTTP client, which a command that finds its programs does without.
    from shoal.binaries.downloading import OutOfReach, download_release

    cache = program.parent.parent
    mirror = mirror or os.environ.get("SHOAL_BINARY_MIRROR")
    scratch = Path(await to_thread.run_sync(lambda: tempfile.mkdtemp(prefix=".new-", dir=cache)))
    try:
        try:
            made = await download_release(binary, scratch, mirror=mirror, progress=progress)
        except OutOfReach as error:
            progress(f"{binary}: not downloaded ({error})", None)
            made = await _build(binary, scratch, cache, error, progress)
        await to_thread.run_sync(lambda: program.parent.mkdir(exist_ok=True))
        await to_thread.run_sync(made.replace, program)
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(lambda: shutil.rmtree(scratch, ignore_errors=True))
    progress(f"{binary}: ready", 1.0)


async def _build(
    binary: Binary, scratch: Path, cache: Path, cause: Exception, progress: Progress
) -> Path:
    try:
        return await build_binary(binary, scratch, cache=cache, progress=progress)
    except BinaryUnavailable as error:
        raise BinaryUnavailable(
            f"{error.message} (and the release was out of reach: {cause})",
            next_step=error.next_step
            or f"put {binary.name} {binary.version} on PATH, or into the "
            "folder KUBEBUILDER_ASSETS names",
        ) from error
