"""What nothing ever wrote goes; of a source only its last revision is kept."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Drop `cursors`; keep of a source its last revision only."""
    op.drop_table("cursors")
    op.drop_table("sources")
    op.create_table(
        "sources",
        Column("source", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
        Column("revision", Text, nullable=False),
        Column("digest", Text, nullable=False),
    )


def downgrade() -> None:
    """There is no way back: restore the backup that was made before the upgrade."""
    raise NotImplementedError
