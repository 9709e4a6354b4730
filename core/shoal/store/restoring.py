"""Restoring: the state folder as a backup has it, with what it replaces put aside.

The backup is opened in a folder of its own first, as `shoal run` would open it: a damaged file, a
broken ledger or tables of a newer version are refused while everything is still in its place. There
it learns that it is old (`state.restored`: the clusters are searched before anything is deleted),
then it takes the place of the database in one step.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
import orjson
from sqlalchemy.exc import DatabaseError

from shoal.errors import StateUnusable
from shoal.model.digests import digest_bytes
from shoal.model.records import Deed, Entry, Verdict
from shoal.store.backing_up import MANIFEST, Manifest
from shoal.store.database import open_store
from shoal.store.folder import DATABASE, KEY, create_private, locked, prepare_folder
from shoal.store.heads import HEAD_FILE

_STAGING = "restoring"
_LOG_FILES = (f"{DATABASE}-wal", f"{DATABASE}-shm")
_LONGEST_MANIFEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place, and where what was there is now; None: nothing was."""

    manifest: Manifest
    aside: Path | None


async def restore(folder: Path, file: Path, *, who: str, reason: str, now: datetime) -> Restored:
    """Put a backup in the place of what a state folder holds.

    Raises StateInUse while a controller runs on it, and StateUnusable when the backup cannot be
    used; then nothing was changed.
    """
    with ExitStack() as stack:
        await anyio.to_thread.run_sync(_hold, folder, stack)
        staging = folder / _STAGING
        try:
            manifest = await anyio.to_thread.run_sync(_unpack, file, staging)
            await _prove(staging, file, manifest, who=who, reason=reason, now=now)
            aside = await anyio.to_thread.run_sync(_exchange, folder, staging, now)
        finally:
            await anyio.to_thread.run_sync(_clear, staging)
    return Restored(manifest, aside)


def _hold(folder: Path, stack: ExitStack) -> None:
    """Take the folder, and remove what a restore that was killed has left."""
    prepare_folder(folder)
    stack.enter_context(locked(folder))
    _clear(folder / _STAGING)


def _clear(staging: Path) -> None:
    shutil.rmtree(staging, ignore_errors=True)


def _unpack(file: Path, staging: Path) -> Manifest:
    """Take exactly three files out of the archive, and compare them with what it says of them."""
    prepare_folder(staging)
    try:
        with tarfile.open(file, "r:*") as archive:
            for name in (MANIFEST, DATABASE, KEY):
                _take(archive, name, staging)
        text = (staging / MANIFEST).read_bytes()[:_LONGEST_MANIFEST]
        manifest = Manifest(**orjson.loads(text))
    except (OSError, EOFError, KeyError, TypeError, ValueError, tarfile.TarError) as error:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _useless(file, said) from error
    found = {name: digest_bytes((staging / name).read_bytes()) for name in (DATABASE, KEY)}
    if found != {DATABASE: manifest.database, KEY: manifest.key}:
        raise _useless(file, "it is not as it was written")
    return manifest


def _take(archive: tarfile.TarFile, name: str, staging: Path) -> None:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(f"{name} is not a file")
    create_private(staging / name)
    with member, (staging / name).open("wb") as out:
        shutil.copyfileobj(member, out)


async def _prove(
    staging: Path, file: Path, manifest: Manifest, *, who: str, reason: str, now: datetime
) -> None:
    """Open it as a controller would, verify all of it, and mark it as old."""
    fault = await anyio.to_thread.run_sync(_fault, staging / DATABASE)
    if fault:
        raise _useless(file, fault)
    async with open_store(staging) as store:
        try:
            broken = await store.verify_ledger()
        except DatabaseError as error:
            raise _useless(file, str(error.orig)) from error
        if broken is not None:
            raise _useless(file, f"record {broken} of its ledger is missing or altered")
        body: Mapping[str, Any] = {"taken_at": manifest.taken_at, "seq": manifest.seq}
        entry = Entry(now, who, Deed.STATE_RESTORED, reason, "state", Verdict.NOTED, body=body)
        await store.restored(entry)


def _fault(database: Path) -> str:
    """What SQLite finds wrong with the file; empty when nothing is."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else str(found)


def _exchange(folder: Path, staging: Path, now: datetime) -> Path | None:
    """Put aside what is there, then let the new database take its place in one step.

    Whoever is killed in between finds the old database without its log, or the new one without its
    key: both are recognised at the next start (`ledger.head`; Secrets are applied once more).
    """
    with closing(sqlite3.connect(staging / DATABASE)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # all of it is in the one file
    names = (DATABASE, *_LOG_FILES, KEY, HEAD_FILE)
    there = [name for name in names if (folder / name).exists()]
    aside = folder / f"replaced-{now:%Y%m%dT%H%M%S%fZ}" if there else None
    if aside is not None:
        prepare_folder(aside)
        for name in there:
            shutil.copy2(folder / name, aside / name)
    for name in _LOG_FILES:
        (folder / name).unlink(missing_ok=True)
    for name in (DATABASE, KEY, HEAD_FILE):
        (staging / name).replace(folder / name)
    _make_durable(folder)
    return aside


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _useless(file: Path, why: str) -> StateUnusable:
    return StateUnusable(
        f"the backup {file} cannot be used: {why}", next_step="restore another backup"
    )
