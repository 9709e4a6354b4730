"""Holds know their group: the same change on many clusters is approved at once."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import Column, Table, Text, text

revision = "0002"
down_revision = "0001"

_KEY = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table anew, with its rows: SQLite appends columns behind the constraints."""
    rows = _rows()
    op.drop_table("holds")
    table = _create()
    op.bulk_insert(table, [{**row, "group": ""} for row in rows])


def _rows() -> list[dict[str, Any]]:
    found = op.get_bind().execute(text("SELECT * FROM holds"))
    return [dict(row) for row in found.mappings()]


def _create() -> Table:
    return op.create_table(
        "holds",
        Column("id", _KEY, primary_key=True, nullable=False),
        Column("subject", _KEY, nullable=False),
        *(_text(name) for name in ("cause", "reason", "by", "since", "content")),
        Column("until", Text, nullable=True),
        _text("group"),
    )


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def downgrade() -> None:
    """There is no way back: restore the backup that was made before the upgrade."""
    raise NotImplementedError
