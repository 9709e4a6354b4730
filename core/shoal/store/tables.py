"""The tables. Portable SQL: text, integers and bytes; times are ISO 8601 text in UTC.

Keys are stored in their text form (`ObjectKey.text`, `namespace/name@cluster`), which is what a
person who opens the file with `sqlite3` would type. A change here needs a migration; a test holds
the two together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

# Ranges over subjects mean bytes, not the collation of somebody's locale.
KEY = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData()

settings = Table(
    "settings",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("value", Text, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("chain", KEY, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", KEY, nullable=False),
    Column("why", Text, nullable=False),
    Column("subject", KEY, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("trace_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("chain", "seq"),
    Index("ledger_by_subject", "subject", "seq"),
    # Rows are read along the chain, and found by it.
    sqlite_with_rowid=False,
)

inventory = Table(
    "inventory",
    metadata,
    Column("cluster", KEY, nullable=False),
    Column("key", KEY, nullable=False),
    Column("application", KEY, nullable=False),
    Column("uid", Text, nullable=False),
    Column("desired_digest", Text, nullable=False),
    Column("owned_digest", Text, nullable=False),
    Column("baseline", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("cluster", "key"),
    # One tree instead of two: half the pages written per row.
    sqlite_with_rowid=False,
)

grants = Table(
    "grants",
    metadata,
    Column("target", KEY, primary_key=True),
    Column("revision", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("traceparent", Text, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("subject", KEY, nullable=False),
    Column("cause", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("until", Text, nullable=True),
    Column("group", Text, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("hold", KEY, primary_key=True),
    Column("subject", KEY, nullable=False),
    Column("content", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("until", Text, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("cluster", KEY, primary_key=True),
    Column("uid", Text, nullable=False),
)

targets = Table(
    "targets",
    metadata,
    Column("target", KEY, primary_key=True),
    Column("status", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("desired_digest", Text, nullable=False),
    Column("plan_hash", Text, nullable=False),
    Column("synced_revision", Text, nullable=False),
    Column("synced_at", Text, nullable=True),
    Column("trace_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("details", Text, nullable=False),
)

intents = Table(
    "intents",
    metadata,
    Column("target", KEY, primary_key=True),
    Column("at", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("trace_id", Text, nullable=False),
    Column("objects", Text, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("revision", Text, nullable=False),
    Column("digest", Text, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("stream", KEY, primary_key=True),
    Column("cursor", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
)
