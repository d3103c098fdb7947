"""The tables of the identity store: users, sessions, API keys, and who did what.

Units: times are epoch nanoseconds; accounts are the engine's account ids.
Changes go through a migration in `identity/migrations`; a test compares the two.
Layer: identity.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

MIGRATIONS: Final = Path(__file__).parent / "migrations"
NEWEST_VERSION: Final = max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v*.py"))

ROW_ID = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows only by its own integer type

METADATA = MetaData()

USERS = Table(
    "users",
    METADATA,
    Column("user_id", ROW_ID, primary_key=True, autoincrement=True),
    Column("name", String(32), nullable=False),
    Column("folded_name", String(32), nullable=False, unique=True),  # lower case: names differ by more than case
    Column("password_hash", String(255)),  # argon2id; none for guests
    Column("role", String(16), nullable=False),
    Column("account", BigInteger, nullable=False, unique=True),
    Column("created_ns", BigInteger, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("password_until_ns", BigInteger),  # until when one that was given by a reset is good; none: for ever
    Column("totp_secret", LargeBinary),  # base32 under Fernet, under the server's secret
    Column("totp_step", BigInteger),  # of the last code that was used; none: the second factor is not on
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("session_id", String(32), primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.user_id"), nullable=False),
    Column("refresh_hash", LargeBinary(32), nullable=False),  # SHA-256 of the one refresh token that is good
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("revoked_ns", BigInteger),
    Column("previous_hash", LargeBinary(32)),  # of the token before, and when it was used
    Column("refreshed_ns", BigInteger),
    Column("address", String(45)),  # where it was opened from, and by which program
    Column("user_agent", String(200)),
)
Index("sessions_by_user", SESSIONS.c.user_id)
Index("sessions_by_expiry", SESSIONS.c.expires_ns)

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_id", String(32), primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.user_id"), nullable=False),
    Column("label", String(64), nullable=False),
    # Fernet, under the server's secret; empty for a key of which only the public half is here
    Column("encrypted_secret", LargeBinary, nullable=False),
    Column("scopes", String(64), nullable=False),  # separated by spaces
    Column("ip_list", Text, nullable=False),  # networks separated by spaces; empty: any address
    Column("created_ns", BigInteger, nullable=False),
    Column("revoked_ns", BigInteger),
    Column("public_key", LargeBinary(32)),  # Ed25519; none: the key has a secret
)
Index("api_keys_by_user", API_KEYS.c.user_id)

AUDIT = Table(
    "audit",
    METADATA,
    Column("audit_id", ROW_ID, primary_key=True, autoincrement=True),
    Column("ts_ns", BigInteger, nullable=False),
    Column("actor_id", BigInteger),  # none: the command line, or the server itself
    Column("actor_name", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("details", Text, nullable=False),  # JSON
    Column("seq", BigInteger),  # of the command, when one was sequenced
)
Index("audit_by_time", AUDIT.c.ts_ns)

CHANGES = Table(  # one row
    "changes",
    METADATA,
    Column("changes_id", Integer, primary_key=True, autoincrement=False),
    # grows with every change that a running server must take in, made by another process
    Column("generation", BigInteger, nullable=False),
    Column("exchange_seen", Boolean, nullable=False),  # whether a server has said which accounts its exchange knows
)

RESERVED_ACCOUNTS = Table(  # accounts without a user that the exchange has something of: no new user may get them
    "reserved_accounts",
    METADATA,
    Column("account", BigInteger, primary_key=True, autoincrement=False),
)

VERSION = Table(  # one row; as Alembic makes it
    "alembic_version",
    METADATA,
    Column("version_num", String(32), primary_key=True),
)


def begin_with(connection: Connection) -> None:
    """Write the rows that a new store begins with, as the migrations do."""
    connection.execute(CHANGES.insert().values(changes_id=1, generation=0, exchange_seen=False))
    connection.execute(VERSION.insert().values(version_num=NEWEST_VERSION))
