"""A backup: one file with all that a state folder cannot get back from anywhere else.

    manifest.json      which installation, tables and end of the ledger; digests of the rest
    shoal.db           the database as it is at one moment, also while a controller writes to it
    installation.key   which digests of Secrets are keyed with

Mirrors of repositories are not in it: they are fetched again. The key is, so the file is as secret
as the state folder, and readable by its owner alone. Everything here blocks. `shoal backup` calls
it, beside a running controller or without one.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from shoal.errors import StateUnusable, StoreUnavailable
from shoal.model.digests import digest_bytes
from shoal.store.connecting import BUSY_TIMEOUT_MILLISECONDS
from shoal.store.folder import DATABASE, KEY, installation_key

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `seq` and `head` are the end of its ledger, `tables` its version."""

    installation: str
    taken_at: str
    tables: str
    seq: int
    head: str
    database: str
    key: str


def back_up(folder: Path, file: Path, now: datetime) -> Manifest:
    """Write the backup of a state folder; nothing of the folder is changed.

    Raises StateUnusable when there is no state or the file is there already, StoreUnavailable when
    it cannot be written now.
    """
    if not (folder / DATABASE).is_file():
        raise StateUnusable(
            f"there is no state in {folder}", next_step="name the folder of a fleet with --state"
        )
    if file.exists():
        raise StateUnusable(
            f"{file} is there already, and a backup replaces nothing",
            next_step="choose another name, or remove it",
        )
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=file.parent) as scratch:
            manifest = _collect(folder, Path(scratch), now)
            _pack(Path(scratch), file)
    except (OSError, sqlite3.OperationalError) as error:
        raise StoreUnavailable(
            f"the backup {file} cannot be written: {getattr(error, 'strerror', None) or error}",
            next_step="see whether its folder is there, can be written and has room",
        ) from error
    except sqlite3.DatabaseError as error:
        raise StateUnusable(
            f"the database {folder / DATABASE} is damaged: {error}",
            next_step="restore an older backup",
        ) from error
    return manifest


def _collect(folder: Path, scratch: Path, now: datetime) -> Manifest:
    """Copy database and key, and describe them."""
    copy, key = scratch / DATABASE, installation_key(folder)
    seconds = BUSY_TIMEOUT_MILLISECONDS / 1000
    with closing(sqlite3.connect(folder / DATABASE, timeout=seconds)) as connection:
        # One read transaction, so one moment; and without the room that deleted rows left.
        connection.execute("VACUUM INTO ?", (str(copy),))
    (scratch / KEY).write_bytes(key)
    with closing(sqlite3.connect(copy)) as connection:
        installation = _one(connection, "SELECT value FROM settings WHERE name = 'installation'")
        tables = _one(connection, "SELECT version_num FROM alembic_version")
        ended = connection.execute(
            "SELECT seq, hash FROM ledger WHERE chain = ? ORDER BY seq DESC LIMIT 1",
            (installation,),
        ).fetchone()
    seq, head = ended or (0, "")
    digests = digest_bytes(copy.read_bytes()), digest_bytes(key)
    manifest = Manifest(installation, now.isoformat(), tables, seq, head, *digests)
    (scratch / MANIFEST).write_bytes(orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2))
    return manifest


def _one(connection: sqlite3.Connection, query: str) -> Any:
    return connection.execute(query).fetchone()[0]


def _pack(scratch: Path, file: Path) -> None:
    """One archive, durable before it has its name."""
    draft = scratch / "archive"
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as archive:
            for name in (MANIFEST, DATABASE, KEY):
                archive.add(scratch / name, arcname=name, filter=_private)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(file)


def _private(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode, member.uid, member.gid, member.uname, member.gname = 0o600, 0, 0, "", ""
    return member
