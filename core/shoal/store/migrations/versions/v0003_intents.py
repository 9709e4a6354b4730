"""What a pass is about to send is stored before it is sent."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table; nothing was intended before this version."""
    op.create_table(
        "intents",
        Column("target", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
        *(
            Column(name, Text, nullable=False)
            for name in ("at", "who", "why", "revision", "plan", "trace_id", "objects")
        ),
    )


def downgrade() -> None:
    """There is no way back: restore the backup that was made before the upgrade."""
    raise NotImplementedError
