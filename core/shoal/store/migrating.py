"""Bringing the database to this version's tables, before anything else touches it.

Alembic does the work, but is only imported when there is work: a database that is up to date is
recognised by one query. A database that a newer Shoal has written is refused, never guessed at.
Called from a thread.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError

from shoal.errors import StateUnusable, StoreUnavailable
from shoal.store.connecting import database_url, prepare_engine

HEAD = "0005"


def migrate(database: Path) -> None:
    """Create or upgrade the tables, all of it or nothing."""
    engine = create_engine(database_url("sqlite", database), hide_parameters=True)
    prepare_engine(engine)
    try:
        _upgrade(engine, database)
    except OperationalError as error:
        raise StoreUnavailable(
            f"the database {database} cannot be opened: {error.orig}",
            next_step="look for another process that uses it, and at the free space",
        ) from error
    except DatabaseError as error:
        raise unreadable(database, error) from error
    finally:
        engine.dispose()


def unreadable(database: Path, error: DatabaseError) -> StateUnusable:
    """The error for a file that is damaged, or is no database at all."""
    return StateUnusable(
        f"the database {database} is damaged: {error.orig}",
        next_step="restore it from a backup, or move it away: Shoal then finds its objects again "
        "by their labels",
    )


def _upgrade(engine: Engine, database: Path) -> None:
    with engine.connect() as connection:
        version = _version(connection)
    if version == HEAD:
        return
    from shoal.store import upgrading  # 100 ms, which a start without work saves

    if version is not None and version not in upgrading.known_versions():
        raise StateUnusable(
            f"the database {database} was written by a newer Shoal (its tables are version "
            f"{version}, this one knows up to {HEAD})",
            next_step="run that version, or restore a backup from before the upgrade",
        )
    with engine.begin() as connection:
        upgrading.upgrade(connection)


def _version(connection: Connection) -> str | None:
    """The version of the tables; None when there are none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version
