"""Alembic's entry: runs the steps on the connection, in the transaction, that it was handed.

Alembic executes this file; nobody imports it.
"""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
