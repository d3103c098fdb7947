"""Writing the audit trail, in the transaction of what is done.

Layer: identity.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, insert

from identity.schema import AUDIT
from identity.users import Actor


def note(
    connection: Connection,
    ts_ns: int,
    actor: Actor,
    action: str,
    subject: str,
    details: dict[str, Any] | None = None,
    *,
    seq: int | None = None,
) -> None:
    """Add a line. `details` must hold no secret; `seq` is that of a command that was sequenced."""
    connection.execute(
        insert(AUDIT).values(
            ts_ns=ts_ns,
            actor_id=actor.user_id,
            actor_name=actor.name,
            action=action,
            subject=subject,
            details=msgspec.json.encode(details or {}).decode(),
            seq=seq,
        )
    )
