"""The steps of the migrations and the tables in the code say the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from shoal.store import migrating, upgrading
from shoal.store.tables import metadata


def schema(database: Path) -> dict[str, str]:
    """Every table and index as SQL, without differences in white space."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        found = {name: " ".join(sql.split()) for name, sql in rows}
    found.pop("alembic_version", None)
    return found


def make_at_version(version: str, database: Path) -> None:
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        upgrading.upgrade(connection, version)
    engine.dispose()


def test_an_upgrade_from_nothing_makes_exactly_the_tables(tmp_path: Path) -> None:
    migrating.migrate(tmp_path / "migrated.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    metadata.create_all(engine)
    engine.dispose()

    assert schema(tmp_path / "migrated.db") == schema(tmp_path / "made.db")


def test_the_newest_version_is_known_without_alembic() -> None:
    assert upgrading.newest_version() == migrating.HEAD


@pytest.mark.parametrize("version", sorted(upgrading.known_versions()))
def test_a_database_of_each_version_becomes_one_of_this_version(
    tmp_path: Path, version: str
) -> None:
    make_at_version(version, tmp_path / "older.db")
    migrating.migrate(tmp_path / "made.db")

    migrating.migrate(tmp_path / "older.db")

    assert schema(tmp_path / "older.db") == schema(tmp_path / "made.db")


def test_holds_of_an_older_version_are_kept(tmp_path: Path) -> None:
    database = tmp_path / "shoal.db"
    make_at_version("0001", database)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO holds VALUES ('hold-1', 'default/web', 'Suspended', 'lunch', 'ana',"
            " '2026-01-01T00:00:00+00:00', '', NULL)"
        )

    migrating.migrate(database)
    with closing(sqlite3.connect(database)) as connection:
        rows = list(connection.execute('SELECT id, reason, until, "group" FROM holds'))

    assert rows == [("hold-1", "lunch", None, "")]


def test_a_second_run_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrating.migrate(tmp_path / "shoal.db")
    monkeypatch.setattr(upgrading, "upgrade", lambda _: pytest.fail("migrated twice"))

    migrating.migrate(tmp_path / "shoal.db")


def test_a_failed_step_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = upgrading.upgrade

    def fail_at_the_end(connection: object) -> None:
        upgrade(connection)  # type: ignore[arg-type]  # handed on as it came
        raise RuntimeError("power cut")

    monkeypatch.setattr(upgrading, "upgrade", fail_at_the_end)
    with pytest.raises(RuntimeError, match="power cut"):
        migrating.migrate(tmp_path / "shoal.db")

    assert schema(tmp_path / "shoal.db") == {}
