"""API keys of which only the public half is here: their owner signs with the other.

Layer: identity.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    op.add_column("api_keys", sa.Column("public_key", sa.LargeBinary(32)))


def downgrade() -> None:
    """Back to version 0003. Keys with a public half are lost: nothing else would verify their signatures."""
    op.execute("DELETE FROM api_keys WHERE public_key IS NOT NULL")
    op.drop_column("api_keys", "public_key")
