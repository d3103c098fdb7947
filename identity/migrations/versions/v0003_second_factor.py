"""Second factors, passwords that end, and where each session was opened from.

Layer: identity.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    op.add_column("users", sa.Column("password_until_ns", sa.BigInteger))
    op.add_column("users", sa.Column("totp_secret", sa.LargeBinary))
    op.add_column("users", sa.Column("totp_step", sa.BigInteger))
    op.add_column("sessions", sa.Column("address", sa.String(45)))
    op.add_column("sessions", sa.Column("user_agent", sa.String(200)))


def downgrade() -> None:
    """Back to version 0002."""
    for column in ("password_until_ns", "totp_secret", "totp_step"):
        op.drop_column("users", column)
    for column in ("address", "user_agent"):
        op.drop_column("sessions", column)
