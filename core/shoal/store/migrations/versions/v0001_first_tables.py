"""The first tables: ledger, inventory, grants, holds, approvals, last outcomes."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0001"
down_revision = None

_KEY = Text().with_variant(Text(collation="C"), "postgresql")


def _key(name: str, *, primary: bool = False) -> Column[str]:
    return Column(name, _KEY, primary_key=primary, nullable=False)


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def upgrade() -> None:
    """Create everything."""
    _create_ledger()
    _create_inventory()
    _create_decisions()
    _create_outcomes()


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        _key("chain"),
        Column("seq", BigInteger, nullable=False),
        *_text("previous", "hash", "at", "who"),
        _key("what"),
        *_text("why"),
        _key("subject"),
        *_text("verdict", "revision", "trace_id", "body"),
        PrimaryKeyConstraint("chain", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_index("ledger_by_subject", "ledger", ["subject", "seq"])


def _create_inventory() -> None:
    op.create_table(
        "inventory",
        _key("cluster"),
        _key("key"),
        _key("application"),
        *_text("uid", "desired_digest", "owned_digest"),
        Column("baseline", LargeBinary, nullable=False),
        *_text("state"),
        PrimaryKeyConstraint("cluster", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table("identities", _key("cluster", primary=True), *_text("uid"))


def _create_decisions() -> None:
    op.create_table(
        "grants",
        _key("target", primary=True),
        *_text("revision", "by", "since", "traceparent"),
    )
    op.create_table(
        "holds",
        _key("id", primary=True),
        _key("subject"),
        *_text("cause", "reason", "by", "since", "content"),
        Column("until", Text, nullable=True),
    )
    op.create_table(
        "approvals",
        _key("hold", primary=True),
        _key("subject"),
        *_text("content", "by", "reason", "at", "until"),
    )


def _create_outcomes() -> None:
    op.create_table(
        "targets",
        _key("target", primary=True),
        *_text("status", "at", "revision", "desired_digest", "plan_hash", "synced_revision"),
        Column("synced_at", Text, nullable=True),
        *_text("trace_id", "reason", "error", "details"),
    )
    op.create_table(
        "sources",
        _key("source", primary=True),
        *_text("at", "revision", "digest", "reason", "error", "details"),
    )
    op.create_table("settings", _key("name", primary=True), *_text("value"))
    op.create_table(
        "cursors", _key("name", primary=True), Column("seq", BigInteger, nullable=False)
    )


def downgrade() -> None:
    """There is no way back: restore the backup that was made before the upgrade."""
    raise NotImplementedError
