"""Users, sessions, API keys and the audit trail.

Layer: identity.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "users",
        sa.Column("user_id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("folded_name", sa.String(32), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("account", sa.BigInteger, nullable=False, unique=True),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("refresh_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_ns", sa.BigInteger, nullable=False),
        sa.Column("revoked_ns", sa.BigInteger),
        sa.Column("previous_hash", sa.LargeBinary(32)),
        sa.Column("refreshed_ns", sa.BigInteger),
    )
    op.create_index("sessions_by_user", "sessions", ["user_id"])
    op.create_index("sessions_by_expiry", "sessions", ["expires_ns"])
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("encrypted_secret", sa.LargeBinary, nullable=False),
        sa.Column("scopes", sa.String(64), nullable=False),
        sa.Column("ip_list", sa.Text, nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("revoked_ns", sa.BigInteger),
    )
    op.create_index("api_keys_by_user", "api_keys", ["user_id"])
    op.create_table(
        "audit",
        sa.Column("audit_id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("ts_ns", sa.BigInteger, nullable=False),
        sa.Column("actor_id", sa.BigInteger),
        sa.Column("actor_name", sa.String(64), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger),
    )
    op.create_index("audit_by_time", "audit", ["ts_ns"])


def downgrade() -> None:
    """Back to nothing."""
    for table in ("audit", "api_keys", "sessions", "users"):
        op.drop_table(table)
