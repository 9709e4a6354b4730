"""Alembic, at arm's length: which versions of the tables are known, and the way to the newest.

Imported by `migrating` only when there is work to do, because importing Alembic takes 100 ms.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def known_versions() -> frozenset[str]:
    """Every version that this Shoal can upgrade from, the newest included."""
    scripts = ScriptDirectory.from_config(_config())
    return frozenset(script.revision for script in scripts.walk_revisions())


def newest_version() -> str | None:
    """The version that `upgrade` leads to."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the missing steps on this connection, in its transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _config() -> Config:
    config = Config()
    # Alembic reads options with `%` interpolation, and an installation's path may hold one.
    scripts = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", scripts)
    config.set_main_option("path_separator", "os")
    return config
