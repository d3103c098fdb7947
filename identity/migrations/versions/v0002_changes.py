"""What the running server looks at to notice changes made beside it, and accounts that nobody may be given.

Layer: identity.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    changes = op.create_table(
        "changes",
        sa.Column("changes_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("exchange_seen", sa.Boolean, nullable=False),
    )
    op.bulk_insert(changes, [{"changes_id": 1, "generation": 0, "exchange_seen": False}])
    op.create_table("reserved_accounts", sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False))


def downgrade() -> None:
    """Back to version 0001."""
    for table in ("reserved_accounts", "changes"):
        op.drop_table(table)
