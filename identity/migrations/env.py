"""What Alembic runs to apply the versions, over the connection that it is handed.

Layer: identity.
"""

from __future__ import annotations

from alembic import context

from identity.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
