"""How every connection to SQLite is set up and used, for the blocking engine and the async one.

Write-ahead log and `synchronous=FULL`: a commit that returned survives a power cut, and readers do
not wait for the writer. The driver's own transactions are switched off (it opens none before DDL
and SELECT), and SQLAlchemy's BEGIN is sent for real: see "Serializable isolation / Savepoints /
Transactional DDL" in SQLAlchemy's page on SQLite.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.lowlevel import checkpoint
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

BUSY_TIMEOUT_MILLISECONDS = 5_000
CACHE_KIBIBYTES = 128
"""What a connection keeps of the database; there may be fifteen. SQLite's own 2 MiB each are filled
as the database grows; what is missed here is still in the operating system's cache."""


def database_url(driver: str, database: Path) -> URL:
    """The URL of a file; built from parts, because a path may hold `?` or `%`."""
    return URL.create(driver, database=str(database))


def prepare_engine(engine: Engine) -> None:
    """Have each new connection set up. Other databases than SQLite need nothing."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)


def _set_up(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MILLISECONDS}")
        cursor.execute(f"PRAGMA cache_size=-{CACHE_KIBIBYTES}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


Pause = Callable[[], Awaitable[None]]
"""Where what is long may be cancelled; awaited between two statements."""


@asynccontextmanager
async def steady(engine: AsyncEngine) -> AsyncIterator[tuple[AsyncConnection, Pause]]:
    """A connection to read with, that no cancellation tears while a statement is carried out.

    SQLite does not stop for it anyway. What is torn is given up, and its thread answers into an
    event loop that may be closed by then: aiosqlite stops the thread and does not wait for it.
    """

    async def pause() -> None:
        scope.shield = False
        try:
            await checkpoint()
        finally:
            scope.shield = True

    with anyio.CancelScope(shield=True) as scope:
        async with engine.connect() as connection:
            yield connection, pause
