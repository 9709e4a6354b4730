"""How far each destination of an Alert has come is stored."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table; nobody was told of anything before this version."""
    op.create_table(
        "alerts",
        Column("stream", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
        Column("cursor", BigInteger, nullable=False),
        Column("content", Text, nullable=False),
    )


def downgrade() -> None:
    """There is no way back: restore the backup that was made before the upgrade."""
    raise NotImplementedError
