"""The end of the ledger, once more, beside the database: a database that is older shows at a start.

A small file holds number and hash of the newest record that was committed. It is written after the
commit, so that it is never ahead of the database: where it is, the database was lost or replaced by
an older one, whoever did that. It is written without `fsync`: one that is behind says nothing.
Everything here blocks and is called from a thread.
"""

from __future__ import annotations

import os
from pathlib import Path

from shoal.store.ledger import Head

HEAD_FILE = "ledger.head"
FileIdentity = tuple[int, int] | None


def keep_head(folder: Path, head: Head) -> None:
    """Replace the file, whole or not at all."""
    draft = folder / f"{HEAD_FILE}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{head.seq} {head.hash}\n".encode())
    finally:
        os.close(descriptor)
    draft.replace(folder / HEAD_FILE)


def kept_head(folder: Path) -> Head | None:
    """What the file says; None when there is none, or nothing that can be read."""
    try:
        seq, digest = (folder / HEAD_FILE).read_text().split()
        return Head(int(seq), digest)
    except (OSError, ValueError):
        return None


def identity(file: Path) -> FileIdentity:
    """Which file it is, whatever its name; None when there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
