"""The state folder: one process holds it, and nobody but its owner may look into it.

    lock              held by flock as long as the process lives; its text is the holder's pid
    installation.key  32 random bytes, made once; every stored digest of a Secret is keyed with it
    shoal.db          the database, with its -wal and -shm beside it
    ledger.head       number and hash of the newest record that was committed

Everything here blocks and is called from a thread.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shoal.errors import StateInUse, StateUnusable

KEY_LENGTH = 32
DATABASE = "shoal.db"
KEY = "installation.key"
LOCK = "lock"


def prepare_folder(folder: Path) -> None:
    """Make the folder if need be, readable by its owner alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StateUnusable(
            f"the state folder {folder} cannot be used: {error.strerror}",
            next_step="choose another folder with --state",
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder; StateInUse names the process that does already.

    The lock belongs to the open file, so it ends with the process, however that ends.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        raise StateInUse(
            f"the state folder {folder} is in use by process {holder}",
            next_step="stop that process, or choose another folder with --state",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def create_private(path: Path) -> None:
    """Make an empty file that only its owner may read, before anybody else can make it wider."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)


def installation_key(folder: Path) -> bytes:
    """The key of this installation, made when there is none yet.

    A lost key is not an error: a new one makes every Secret look changed once, and it is applied
    again. A file of another length is one, because something else has written it.
    """
    path = folder / KEY
    if not path.exists():
        _write_key(path)
    path.chmod(0o600)
    key = path.read_bytes()
    if len(key) != KEY_LENGTH:
        raise StateUnusable(
            f"{path} is not an installation key: it holds {len(key)} bytes, not {KEY_LENGTH}",
            next_step="put the right file back, or remove it to have all Secrets applied again",
        )
    return key


def _write_key(path: Path) -> None:
    """Whole or not at all: a crash in between leaves no half key behind."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_LENGTH))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(path)
